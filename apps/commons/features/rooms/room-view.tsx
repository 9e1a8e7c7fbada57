/** One room: who is in it, its messages, and writing one. */
import { useMessages, usePresence, useTyping } from '@roomful/react'
import { ArrowLeft, DoorOpen, EllipsisVertical, Hash, Lock, LogOut, Users } from 'lucide-react'
import { type ReactElement, useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { Announcer } from '../../web/chat/announcer.tsx'
import { TypingLine } from '../../web/chat/typing-line.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { IconButton, LinkButton } from '../../web/ui/button.tsx'
import { Dialog } from '../../web/ui/dialog.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { Menu, MenuItem } from '../../web/ui/menu.tsx'
import { Members } from './members.tsx'
import { whyNotJoined } from './refusals.ts'
import { RoomComposer } from './room-composer.tsx'
import { RoomMessages, type Subject } from './room-messages.tsx'
import { isForMembers, roomTitle } from './room-names.ts'
import { useMyRooms } from './use-my-rooms.tsx'

export function RoomView({ roomId }: { roomId: string }): ReactElement {
  const room = useMessages(roomId)
  const presence = usePresence(roomId)
  const { typists, typing, stopTyping } = useTyping(roomId)
  const [subject, setSubject] = useState<Subject>()
  const ownId = useMe()?.sub
  const { error, status } = presence
  const { rooms } = useMyRooms()
  // A room that one may never join does not stay on the list; one that is only full now does.
  useEffect(() => {
    if (status === 'refused' && (error?.code === 'FORBIDDEN' || error?.code === 'ROOM_NAME_INVALID')) rooms.drop(roomId)
  }, [status, error, rooms, roomId])
  if (status === 'refused') {
    return (
      <EmptyState
        isPage
        icon={DoorOpen}
        title="You don’t have access to this room"
        action={<LinkButton to="/">Back to rooms</LinkButton>}
      >
        {whyNotJoined(error)}
      </EmptyState>
    )
  }
  return (
    <div className="flex h-full">
      <section aria-label={`Room ${roomTitle(roomId)}`} className="flex min-w-0 grow flex-col bg-surface">
        <RoomHeader roomId={roomId} presence={presence} />
        <RoomMessages {...{ roomId, room, ownId }} onSubject={setSubject} />
        <Announcer messages={room.messages} ownId={ownId} />
        <TypingLine typists={typists} />
        <RoomComposer {...{ roomId, room, subject, ownId, typing, stopTyping }} onSubject={setSubject} />
      </section>
      <aside aria-label="Members" className="hidden w-60 shrink-0 border-line border-l bg-surface xl:block">
        <Members roomId={roomId} presence={presence} />
      </aside>
    </div>
  )
}

interface RoomHeaderProps {
  readonly roomId: string
  readonly presence: ReturnType<typeof usePresence>
}

function RoomHeader({ roomId, presence }: RoomHeaderProps): ReactElement {
  const { rooms } = useMyRooms()
  const [, navigate] = useLocation()
  const [isShown, setShown] = useState(false)
  const { count } = presence
  const Icon = isForMembers(roomId) ? Lock : Hash
  const leave = (): void => {
    rooms.drop(roomId)
    navigate('/')
  }
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-line border-b px-2 sm:px-4 md:h-16 md:px-6">
      <Link
        href="/"
        aria-label="All rooms"
        className="grid size-10 place-items-center rounded-lg hover:bg-ink/8 md:hidden"
      >
        <ArrowLeft aria-hidden size={18} />
      </Link>
      <Icon aria-hidden size={18} className="shrink-0 text-muted" />
      <h1 className="min-w-0 grow truncate font-semibold">
        <bdi>{roomTitle(roomId)}</bdi>
        {isForMembers(roomId) && <span className="sr-only">, members only</span>}
      </h1>
      <button
        type="button"
        onClick={() => setShown(true)}
        className="inline-flex h-9 items-center gap-1.5 rounded-lg px-2.5 text-muted text-sm tabular-nums hover:bg-ink/8 xl:hidden"
      >
        <Users aria-hidden size={15} />
        {count}
        <span className="sr-only">{count === 1 ? 'member' : 'members'}, show list</span>
      </button>
      <Menu trigger={<IconButton icon={EllipsisVertical} label="Room actions" />}>
        <MenuItem icon={LogOut} onSelect={leave}>
          Leave room
        </MenuItem>
      </Menu>
      <Dialog open={isShown} onOpenChange={setShown} title="Members">
        <div className="-mx-3">
          <Members roomId={roomId} presence={presence} bare />
        </div>
      </Dialog>
    </header>
  )
}
