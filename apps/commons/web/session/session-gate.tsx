/**
 * Shows the sign-in page without a session; with one, a connection that lasts as long as the session does. The namespaces that
 * pages use besides share its link, and so do other tabs: one WebSocket for them all.
 */
import type { ClientOptions, SharedLinkOptions } from '@roomful/client'
import { indexedDbOutbox } from '@roomful/client/indexeddb'
import { LinkProvider, RoomfulProvider, type SharingProps, useClient, useConnection } from '@roomful/react'
import { type ReactElement, type ReactNode, useEffect, useMemo, useSyncExternalStore } from 'react'
import { sentenceOf, suspended } from '../ui/error-sentence.ts'
import { toast } from '../ui/toast.tsx'
import { Disconnected } from './disconnected.tsx'
import { keepFresh, tokenSource } from './renewal.ts'
import { type Session, session } from './session.ts'
import { SignInPage } from './sign-in-page.tsx'

/** Close code: this person may not use this namespace. */
export const SHUT_OUT = 4003

export function useSession(): Session | undefined {
  return useSyncExternalStore(session.subscribe, session.get)
}

export function SessionGate({ children }: { children: ReactNode }): ReactElement {
  const current = useSession()
  return current ? <Connected current={current}>{children}</Connected> : <SignInPage />
}

function Connected({ current, children }: { current: Session; children: ReactNode }): ReactElement {
  // Another token of the same person goes over the connections that are open.
  const key = current.kind === 'user' ? `user ${current.user.sub}` : `guest ${current.name}`
  const who = useMemo(() => linkOptions(current, key), [current, key])
  const main = useMemo(() => inNamespace(current), [current])
  return (
    <LinkProvider key={key} url={location.origin} options={who}>
      <RoomfulProvider {...main}>
        <Standing />
        {children}
        <Disconnected />
      </RoomfulProvider>
    </LinkProvider>
  )
}

/** Keeps the session in step with what the server says of this person: their name and role, and that they were suspended. */
function Standing(): null {
  const client = useClient()
  const state = useConnection()
  const user = 'user' in state ? state.user : undefined
  const isShutOut = state.status === 'closed' && state.ending.code === SHUT_OUT
  // A close reason is cut at 123 bytes; what the server says besides is whole.
  const reason = isShutOut ? (state.ending.error?.message ?? state.ending.reason) : undefined
  useEffect(() => keepFresh(client), [client])
  useEffect(() => user && session.learn(user), [user])
  useEffect(() => {
    if (isShutOut) session.end(reason?.startsWith('You are banned') ? suspended(reason) : 'You no longer have access.')
  }, [isShutOut, reason])
  return null
}

/** As whom one connects, together with the other tabs of the same person. */
function linkOptions(current: Session, key: string): SharedLinkOptions {
  const shareTabs = { name: key }
  return current.kind === 'guest' ? { shareTabs, name: current.name } : { shareTabs, token: tokenSource() }
}

/** What a provider of this namespace takes; a guest is in `/public` only. */
export function inNamespace(current: Session, namespace = '/'): Pick<SharingProps, 'namespace' | 'options'> {
  const onError: ClientOptions['onError'] = (error) => {
    if (error.code !== 'DISCONNECTED' && error.code !== 'NOT_CONNECTED' && error.code !== 'BANNED') {
      toast(sentenceOf(error), undefined, 'bad')
    }
  }
  if (current.kind === 'guest') return { namespace: '/public', options: { onError } }
  // One per namespace: what waits in an outbox is sent by every client that shares it.
  const place = namespace === '/' ? '' : `${namespace.slice(1)}-`
  // What was written and not stored yet survives a reload.
  const outbox = { storage: indexedDbOutbox(`commons-outbox-${place}${current.user.sub}`) }
  return { namespace, options: { onError, outbox } }
}
