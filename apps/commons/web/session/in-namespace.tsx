/** Gives what is inside a connection of its own to another namespace, as the same person. */
import { RoomfulProvider, useClient, useConnection } from '@roomful/react'
import { ShieldAlert } from 'lucide-react'
import { type ReactElement, type ReactNode, useEffect, useMemo } from 'react'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { clientOptions, SHUT_OUT, useSession } from './session-gate.tsx'

export function InNamespace({ name, children }: { name: string; children: ReactNode }): ReactElement | null {
  const current = useSession()
  const options = useMemo(() => current && { ...clientOptions(current), namespace: name }, [current, name])
  if (!options) return null
  return (
    <RoomfulProvider url={location.origin} options={options}>
      <Admitted role={current?.kind === 'user' ? current.user.role : 'guest'}>{children}</Admitted>
    </RoomfulProvider>
  )
}

/** Who is not let in, or no more, is told why; with another role it is tried again. */
function Admitted({ role, children }: { role: string; children: ReactNode }): ReactNode {
  const client = useClient()
  const state = useConnection()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another role is what makes the difference
  useEffect(() => {
    const { state: before } = client
    if (before.status === 'closed' && before.ending.code === SHUT_OUT) client.connect()
  }, [client, role])
  if (state.status !== 'closed' || state.ending.code !== SHUT_OUT) return children
  return (
    <EmptyState
      icon={ShieldAlert}
      title="You may not be here, or no longer"
      action={<LinkButton to="/">Back to what is for you</LinkButton>}
    >
      {state.ending.reason}.
    </EmptyState>
  )
}
