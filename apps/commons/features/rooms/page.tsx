/** Rooms: the list beside the one that is open; on a phone one after the other. Guests and members share them. */
import clsx from 'clsx'
import { MessagesSquare } from 'lucide-react'
import type { ReactElement } from 'react'
import { useRoute } from 'wouter'
import { useSegment } from '../../web/layout/segments.ts'
import { InPublic } from '../../web/session/public-connection.tsx'
import { useSession } from '../../web/session/session-gate.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { ForMembers, OfFeature } from './other-rooms.tsx'
import { RoomList } from './room-list.tsx'
import { featureOf, isForMembers } from './room-names.ts'
import { RoomView } from './room-view.tsx'
import { MyRoomsProvider } from './use-my-rooms.tsx'

export function Page(): ReactElement {
  const [isOpen] = useRoute('/:roomId')
  const roomId = useSegment(1)
  return (
    <InPublic>
      <MyRoomsProvider>
        <div className="flex h-full">
          <div
            className={clsx('w-full shrink-0 border-line bg-surface md:block md:w-72 md:border-r', isOpen && 'hidden')}
          >
            <RoomList openId={roomId} />
          </div>
          <div className={clsx('min-w-0 grow md:block', !isOpen && 'hidden')}>
            <OpenRoom roomId={roomId} />
          </div>
        </div>
      </MyRoomsProvider>
    </InPublic>
  )
}

function OpenRoom({ roomId }: { roomId: string }): ReactElement {
  const session = useSession()
  if (roomId === '') {
    return (
      <EmptyState icon={MessagesSquare} title="Choose a room">
        Or create a new one.
      </EmptyState>
    )
  }
  const feature = featureOf(roomId)
  if (feature) return <OfFeature roomId={roomId} feature={feature} />
  if (isForMembers(roomId) && session?.kind === 'guest') return <ForMembers roomId={roomId} />
  return <RoomView key={roomId} roomId={roomId} />
}
