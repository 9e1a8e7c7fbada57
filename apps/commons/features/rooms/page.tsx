/** Rooms: the list beside the one that is open; on a phone one after the other. */
import clsx from 'clsx'
import { MessagesSquare } from 'lucide-react'
import type { ReactElement } from 'react'
import { Route, Switch, useRoute } from 'wouter'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { RoomList } from './room-list.tsx'
import { RoomView } from './room-view.tsx'
import { MyRoomsProvider } from './use-my-rooms.tsx'

export function Page(): ReactElement {
  const [isOpen] = useRoute('/:roomId')
  return (
    <MyRoomsProvider>
      <div className="flex h-full">
        <div
          className={clsx('w-full shrink-0 border-line bg-surface md:block md:w-72 md:border-r', isOpen && 'hidden')}
        >
          <RoomList />
        </div>
        <div className={clsx('min-w-0 grow md:block', !isOpen && 'hidden')}>
          <Switch>
            <Route path="/:roomId">
              {({ roomId }) => <RoomView key={roomId} roomId={decodeURIComponent(roomId)} />}
            </Route>
            <Route>
              <EmptyState icon={MessagesSquare} title="Pick a room">
                Or open a new one: it is there as soon as somebody is in it.
              </EmptyState>
            </Route>
          </Switch>
        </div>
      </div>
    </MyRoomsProvider>
  )
}
