/** For whom the server sent away, or who was replaced: nothing comes back by itself then, so the person is told, and asked. */
import { useClient, useConnection } from '@roomful/react'
import { PlugZap } from 'lucide-react'
import type { ReactElement } from 'react'
import { Button } from '../ui/button.tsx'

/** What the client itself did. */
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
        <span className="font-medium">This page is disconnected.</span>{' '}
        {state.ending.error?.message ?? state.ending.reason}
      </p>
      <Button tone="primary" size="small" onClick={() => client.connect()}>
        Connect again
      </Button>
    </div>
  )
}
