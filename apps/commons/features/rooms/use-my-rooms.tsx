/** The rooms of the person who is signed in, for every part of the page. */
import { useClient } from '@roomful/react'
import { createContext, type ReactElement, type ReactNode, use, useMemo, useSyncExternalStore } from 'react'
import { useReadsStore } from '../../web/reads/use-reads.tsx'
import { type MyRoom, MyRooms } from './my-rooms.ts'

const Context = createContext<MyRooms | undefined>(undefined)

export function MyRoomsProvider({ children }: { children: ReactNode }): ReactElement {
  const client = useClient()
  const reads = useReadsStore()
  const rooms = useMemo(() => new MyRooms(client, reads), [client, reads])
  return <Context value={rooms}>{children}</Context>
}

export function useMyRooms(): { readonly rooms: MyRooms; readonly list: readonly MyRoom[] } {
  const rooms = use(Context)
  if (!rooms) throw new Error('There is no <MyRoomsProvider> around this component')
  const list = useSyncExternalStore(rooms.subscribe, rooms.getSnapshot)
  return { rooms, list }
}
