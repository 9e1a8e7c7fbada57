/** The direct messages of the person who is signed in, for every part of the page; guests have none. */
import { useClient } from '@roomful/react'
import { createContext, type ReactElement, type ReactNode, use, useMemo, useSyncExternalStore } from 'react'
import { useReadsStore } from '../../web/reads/use-reads.tsx'
import { useSession } from '../../web/session/session-gate.tsx'
import { Inbox, type InboxSnapshot } from './inbox.ts'

const Context = createContext<Inbox | undefined>(undefined)

export function InboxProvider({ children }: { children: ReactNode }): ReactElement {
  const client = useClient()
  const reads = useReadsStore()
  const session = useSession()
  const { sub: userId, name } = session?.kind === 'user' ? session.user : { sub: undefined, name: '' }
  const inbox = useMemo(
    () => (userId === undefined ? undefined : new Inbox(client, reads, { userId, name })),
    [client, reads, userId, name],
  )
  return <Context value={inbox}>{children}</Context>
}

export function useInbox(): InboxSnapshot & { readonly inbox: Inbox } {
  const inbox = use(Context)
  if (!inbox) throw new Error('Only people with an account have direct messages')
  const snapshot = useSyncExternalStore(inbox.subscribe, inbox.getSnapshot)
  return { ...snapshot, inbox }
}

const nothing = (): (() => void) => () => undefined

/** @returns how many conversations have something new; 0 for guests */
export function useUnreadConversations(): number {
  const inbox = use(Context)
  return useSyncExternalStore(inbox?.subscribe ?? nothing, () => inbox?.getSnapshot().unread ?? 0)
}
