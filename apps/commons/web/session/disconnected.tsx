/** After the server ended the connection for good: nothing reconnects by itself then, so the person decides. */
import type { ConnectionState } from '@roomful/client'
import { useClient, useConnection } from '@roomful/react'
import { PlugZap } from 'lucide-react'
import type { ReactElement } from 'react'
import { Button } from '../ui/button.tsx'
import { sentenceOf } from '../ui/error-sentence.ts'

/** The client itself closed the connection. */
const OWN_GOODBYE = 1000

export function Disconnected(): ReactElement | null {
  const client = useClient()
  const state = useConnection()
  if (state.status !== 'closed' || state.ending.code === OWN_GOODBYE) return null
  return (
    <div
      role="alert"
      className="fixed inset-x-3 bottom-3 z-40 mx-auto flex max-w-lg animate-appear items-center gap-3 rounded-xl border border-line bg-raised p-4 shadow-float"
    >
      <PlugZap aria-hidden size={18} className="shrink-0 text-bad" />
      <p className="min-w-0 grow text-sm">
        <span className="font-medium">You’ve been disconnected.</span> {whyDisconnected(state.ending)}
      </p>
      <Button tone="primary" size="small" onClick={() => client.connect()}>
        Reconnect
      </Button>
    </div>
  )
}

/** Every close has a reason; its words are those of the wire. */
function whyDisconnected({ error, reason }: Extract<ConnectionState, { status: 'closed' }>['ending']): string {
  if (error) return sentenceOf(error)
  return reason === '' ? 'The server closed the connection.' : `${reason}.`
}
