/** For what needs the server while it cannot be reached. */
import { useConnection } from '@roomful/react'
import type { ReactElement } from 'react'

/** Whether the connection is lost, or was ended: not while the first one is on its way. */
export function useIsAway(): boolean {
  const { status } = useConnection()
  return status === 'waiting' || status === 'closed'
}

/** Beside a button that cannot do what it says right now. */
export function AwayNote({
  children = 'You’re offline. You can do this when you reconnect.',
}: {
  children?: string
}): ReactElement {
  return (
    <p role="status" className="mt-3 text-sm text-warn empty:hidden">
      {useIsAway() && children}
    </p>
  )
}
