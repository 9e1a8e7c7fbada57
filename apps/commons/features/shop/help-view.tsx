/** A customer asks for help and talks with support. B27. */
import { useClient } from '@roomful/react'
import { LifeBuoy } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { AwayNote } from '../../web/live/away.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { Loading } from '../../web/ui/spinner.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import type { customerContract } from './contract.ts'
import { Conversation } from './conversation.tsx'

export function HelpView(): ReactElement {
  const client = useClient<typeof customerContract>()
  const [hasAsked, setAsked] = useState(false)
  const me = useMe()?.sub
  if (me === undefined && !hasAsked) return <Loading what="Connecting to support…" />
  const ask = async (): Promise<void> => {
    try {
      await client.request('help:ask')
      setAsked(true)
    } catch (error) {
      toastError('Couldn’t contact support', error)
    }
  }
  if (!hasAsked) {
    const action = (
      <Button tone="primary" icon={LifeBuoy} onClick={() => void ask()}>
        Contact support
      </Button>
    )
    return (
      <Card>
        <EmptyState icon={LifeBuoy} title="Need help with an order?" action={action}>
          <p>Chat with our support team. Only you and support can read this conversation, and it stays here for you.</p>
          <AwayNote />
        </EmptyState>
      </Card>
    )
  }
  return (
    <Conversation
      roomId={`help:${me}`}
      title="Support"
      emptyText="Someone will be with you soon. You can start typing."
      onClose={() => setAsked(false)}
    />
  )
}
