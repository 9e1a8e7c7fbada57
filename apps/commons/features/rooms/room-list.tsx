/** One's own rooms, those that others are in, and creating another. */
import clsx from 'clsx'
import { Hash, Lock, Plus, Users } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Link } from 'wouter'
import { useIsAway } from '../../web/live/away.tsx'
import { useSession } from '../../web/session/session-gate.tsx'
import { IconButton } from '../../web/ui/button.tsx'
import { NewRoomDialog } from './new-room-dialog.tsx'
import { isForMembers, roomTitle } from './room-names.ts'
import { useMyRooms } from './use-my-rooms.tsx'
import { useOpenRooms } from './use-open-rooms.tsx'

/** @param openId the room that is shown beside the list; `''` for none */
export function RoomList({ openId }: { openId: string }): ReactElement {
  const { list } = useMyRooms()
  const open = useOpenRooms()
  const isAway = useIsAway()
  const isGuest = useSession()?.kind === 'guest'
  const [isAsking, setAsking] = useState(false)
  const mine = new Set(list.map(({ roomId }) => roomId))
  const others = open
    ?.filter(({ roomId }) => !mine.has(roomId) && !(isGuest && isForMembers(roomId)))
    .sort((a, b) => b.count - a.count)
  return (
    <div className="flex h-full flex-col">
      <header className="flex h-14 shrink-0 items-center justify-between pr-2 pl-4 md:h-16 md:pl-5">
        <h1 className="font-semibold text-lg tracking-tight">Rooms</h1>
        <IconButton icon={Plus} label="New room" onClick={() => setAsking(true)} />
      </header>
      <div className="min-h-0 grow overflow-y-auto px-2 pb-4">
        <h2 className="px-3 pb-1 font-medium text-muted text-xs">Your rooms</h2>
        <ul className="flex flex-col gap-0.5">
          {list.map((room) => (
            <Entry key={room.roomId} {...room} isHere={room.roomId === openId} />
          ))}
        </ul>
        <h2 className="px-3 pt-5 pb-1 font-medium text-muted text-xs">Other active rooms</h2>
        {others === undefined && (
          <p role="status" className="px-3 py-1 text-muted text-sm">
            {isAway ? 'Available when you’re back online.' : 'Loading…'}
          </p>
        )}
        {others?.length === 0 && <p className="px-3 py-1 text-muted text-sm">No other active rooms.</p>}
        <ul className="flex flex-col gap-0.5">
          {others?.map((room) => (
            <Entry key={room.roomId} {...room} isHere={room.roomId === openId} />
          ))}
        </ul>
      </div>
      <NewRoomDialog open={isAsking} onOpenChange={setAsking} />
    </div>
  )
}

interface EntryProps {
  readonly roomId: string
  readonly count: number
  readonly hasNews?: boolean
  /** It is the one that is shown. */
  readonly isHere: boolean
}

function Entry({ roomId, count, hasNews = false, isHere }: EntryProps): ReactElement {
  const Icon = isForMembers(roomId) ? Lock : Hash
  return (
    <li>
      <Link
        href={`/${encodeURIComponent(roomId)}`}
        aria-current={isHere ? 'page' : undefined}
        className={clsx(
          'flex h-9 items-center gap-2.5 rounded-lg px-3 text-sm transition-colors pointer-coarse:h-12',
          isHere ? 'bg-accent-soft text-accent-strong' : 'hover:bg-ink/6',
          (hasNews || isHere) && 'font-semibold',
        )}
      >
        <Icon aria-hidden size={15} className={isHere ? '' : 'text-muted'} />
        <bdi className="min-w-0 grow truncate">{roomTitle(roomId)}</bdi>
        {isForMembers(roomId) && <span className="sr-only">members only</span>}
        {hasNews && !isHere && (
          <span className="size-2 shrink-0 rounded-full bg-accent">
            <span className="sr-only">Unread messages</span>
          </span>
        )}
        {count > 0 && (
          <span
            className={clsx(
              'inline-flex shrink-0 items-center gap-1 font-normal text-xs tabular-nums',
              !isHere && 'text-muted',
            )}
          >
            <Users aria-hidden size={12} />
            {count}
            <span className="sr-only">{count === 1 ? 'person' : 'people'} here</span>
          </span>
        )}
      </Link>
    </li>
  )
}
