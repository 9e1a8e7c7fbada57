/**
 * The connection to `/public`, where guests and members share their rooms. A guest's session is there already; a member has
 * this one beside it.
 */
import type { Client } from '@roomful/client'
import { RoomfulProvider, useClient } from '@roomful/react'
import { createContext, type ReactElement, type ReactNode, use, useMemo } from 'react'
import { useReconnectWith } from './follow.ts'
import { inNamespace, useSession } from './session-gate.tsx'

const PUBLIC = '/public'

const Context = createContext<Client | undefined>(undefined)

/** Directly within the connection of the session, which stays the one that hooks find. */
export function PublicConnection({ children }: { children: ReactNode }): ReactElement | null {
  const main = useClient()
  const current = useSession()
  const props = useMemo(() => current && inNamespace(current, PUBLIC), [current])
  if (!props) return null
  if (current?.kind === 'guest') return <Context value={main}>{children}</Context>
  return (
    <RoomfulProvider {...props}>
      <Handed main={main}>{children}</Handed>
    </RoomfulProvider>
  )
}

function Handed({ main, children }: { main: Client; children: ReactNode }): ReactElement {
  const client = useClient()
  useReconnectWith(client, main)
  return (
    <Context value={client}>
      <RoomfulProvider client={main}>{children}</RoomfulProvider>
    </Context>
  )
}

export function usePublicClient(): Client {
  const client = use(Context)
  if (!client) throw new Error('There is no <PublicConnection> around this component')
  return client
}

/** Hooks below it are about `/public`. */
export function InPublic({ children }: { children: ReactNode }): ReactElement {
  return <RoomfulProvider client={usePublicClient()}>{children}</RoomfulProvider>
}
