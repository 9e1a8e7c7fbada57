/** The door: shows it to who is nobody yet, and gives everyone else one connection that lasts as long as the session does. */
import type { ClientOptions } from '@roomful/client'
import { indexedDbOutbox } from '@roomful/client/indexeddb'
import { RoomfulProvider, useClient } from '@roomful/react'
import { type ReactElement, type ReactNode, useEffect, useMemo, useSyncExternalStore } from 'react'
import { toast } from '../ui/toast.tsx'
import { DoorPage } from './door-page.tsx'
import { keepFresh, tokenSource } from './renewal.ts'
import { type Session, session } from './session.ts'

export function useSession(): Session | undefined {
  return useSyncExternalStore(session.subscribe, session.get)
}

export function SessionGate({ children }: { children: ReactNode }): ReactElement {
  const current = useSession()
  return current ? <Connected current={current}>{children}</Connected> : <DoorPage />
}

function Connected({ current, children }: { current: Session; children: ReactNode }): ReactElement {
  // Another token of the same person goes over the connections that are open.
  const key = current.kind === 'user' ? `user ${current.user.sub}` : `guest ${current.name}`
  const options = useMemo(() => clientOptions(current), [current])
  return (
    <RoomfulProvider key={key} url={location.origin} options={options}>
      <Renewal />
      {children}
    </RoomfulProvider>
  )
}

function Renewal(): null {
  const client = useClient()
  useEffect(() => keepFresh(client), [client])
  return null
}

/** As whom one connects. */
export function clientOptions(current: Session): ClientOptions {
  const onError: ClientOptions['onError'] = (error) => {
    if (error.code !== 'DISCONNECTED' && error.code !== 'NOT_CONNECTED') toast(error.message, undefined, 'bad')
  }
  if (current.kind === 'guest') return { namespace: '/public', name: current.name, onError }
  return {
    onError,
    // What was written and not stored yet survives a reload.
    outbox: { storage: indexedDbOutbox(`commons-outbox-${current.user.sub}`) },
    token: tokenSource(),
  }
}
