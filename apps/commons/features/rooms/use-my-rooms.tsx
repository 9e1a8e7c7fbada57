/** The rooms of whoever is here, for every part of the page. */
import { useClient } from '@roomful/react'
import { createContext, type ReactElement, type ReactNode, use, useMemo, useSyncExternalStore } from 'react'
import { useSession } from '../../web/session/session-gate.tsx'
import { type MyRoom, MyRooms } from './my-rooms.ts'

const Context = createContext<MyRooms | undefined>(undefined)

export function MyRoomsProvider({ children }: { children: ReactNode }): ReactElement {
  const client = useClient()
  const session = useSession()
  const person = session?.kind === 'user' ? session.user.sub : 'guest'
  const rooms = useMemo(() => new MyRooms(client, person), [client, person])
  return <Context value={rooms}>{children}</Context>
}

export function useMyRooms(): { readonly rooms: MyRooms; readonly list: readonly MyRoom[] } {
  const rooms = use(Context)
  if (!rooms) throw new Error('There is no <MyRoomsProvider> around this component')
  const list = useSyncExternalStore(rooms.subscribe, rooms.getSnapshot)
  return { rooms, list }
}
