/** Whether what is on the screen is stored, in a few words that are read aloud when they change. */
import { Check, CloudOff, Eye, LoaderCircle, TriangleAlert } from 'lucide-react'
import type { ReactElement } from 'react'
import { reworded } from '../../web/ui/error-sentence.ts'
import type { SharedDocumentState } from './shared-document.ts'

export function SaveState({ state }: { state: SharedDocumentState }): ReactElement {
  const { icon: Icon, words } = describe(state)
  return (
    <p role="status" data-save={words} className="flex items-center gap-1.5 text-muted text-sm">
      <Icon aria-hidden size={14} className="shrink-0" />
      <span className="truncate">{words}</span>
    </p>
  )
}

function describe({ link, isLoaded, isSaved, canWrite, refusal }: SharedDocumentState) {
  if (canWrite === false)
    return link === 'open' ? { icon: Eye, words: 'Read-only' } : { icon: CloudOff, words: 'Offline' }
  if (refusal !== undefined) return { icon: TriangleAlert, words: reworded(refusal) }
  if (link !== 'open' && isLoaded) {
    return { icon: CloudOff, words: isSaved ? 'Offline. Keep writing' : 'Offline. Saved when you reconnect' }
  }
  if (!isLoaded) return { icon: LoaderCircle, words: 'Opening…' }
  return isSaved ? { icon: Check, words: 'Saved' } : { icon: LoaderCircle, words: 'Saving…' }
}
