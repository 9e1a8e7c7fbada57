/** The inbox of whoever is here, for every part of the page. */
import { useClient } from '@roomful/react'
import { createContext, type ReactElement, type ReactNode, use, useMemo, useSyncExternalStore } from 'react'
import type { Account } from '../../web/session/session.ts'
import { Inbox, type InboxSnapshot } from './inbox.ts'

const Context = createContext<Inbox | undefined>(undefined)

export function InboxProvider({ account, children }: { account: Account; children: ReactNode }): ReactElement {
  const client = useClient()
  const { sub: userId, name } = account
  const inbox = useMemo(() => new Inbox(client, { userId, name }), [client, userId, name])
  return <Context value={inbox}>{children}</Context>
}

export function useInbox(): InboxSnapshot & { readonly inbox: Inbox } {
  const inbox = use(Context)
  if (!inbox) throw new Error('There is no <InboxProvider> around this component')
  const snapshot = useSyncExternalStore(inbox.subscribe, inbox.getSnapshot)
  return { ...snapshot, inbox }
}
