/** Gives what is inside a connection of its own to another namespace, as the same person and over the same link. */
import { RoomfulProvider, useClient, useConnection } from '@roomful/react'
import { ShieldAlert } from 'lucide-react'
import { type ReactElement, type ReactNode, useEffect, useMemo } from 'react'
import { LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { inNamespace, SHUT_OUT, useSession } from './session-gate.tsx'

export function InNamespace({ name, children }: { name: string; children: ReactNode }): ReactElement | null {
  const current = useSession()
  const props = useMemo(() => current && inNamespace(current, name), [current, name])
  if (!props) return null
  return (
    <RoomfulProvider {...props}>
      <Admitted role={current?.kind === 'user' ? current.user.role : 'guest'}>{children}</Admitted>
    </RoomfulProvider>
  )
}

/** Shown instead to those who may not use this namespace, or no longer; with another role it is tried again. */
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
      title="You don’t have access to this page"
      action={<LinkButton to="~/">Back to home</LinkButton>}
    >
      Your role may have changed.
    </EmptyState>
  )
}
