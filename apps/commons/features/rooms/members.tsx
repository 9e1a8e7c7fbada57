/** Who is in the room: online, reconnecting after a lost connection, or gone a moment ago. D10. */
import type { Presence } from '@roomful/react'
import { memo, type ReactElement } from 'react'
import { isGuest } from '../../web/session/session.ts'
import { useMe } from '../../web/session/use-me.ts'
import { Avatar } from '../../web/ui/avatar.tsx'
import { useMemberStatuses } from './use-member-statuses.tsx'

export interface MembersProps {
  readonly roomId: string
  readonly presence: Presence
  /** Without a heading: something around it says what this is. */
  readonly bare?: boolean
}

const WORDS = { online: undefined, reconnecting: 'reconnecting…', left: 'left' } as const

/** Hundreds of rows, which do not change with every message. */
export const Members = memo(function Members({ roomId, presence, bare = false }: MembersProps): ReactElement {
  const ownId = useMe()?.sub
  const people = useMemberStatuses(roomId, presence)
  const { count, members, status } = presence
  const isOld = status !== 'joined'
  return (
    <div className="flex h-full flex-col">
      {!bare && (
        <h2 className="flex h-16 shrink-0 items-center gap-2 px-5 font-semibold text-sm">
          Members <span className="font-normal text-muted tabular-nums">{count}</span>
        </h2>
      )}
      {isOld && members.length > 0 && (
        <p className="px-5 pb-2 text-warn text-xs">Last known, before you went offline.</p>
      )}
      <ul className="min-h-0 grow overflow-y-auto px-3 pb-4">
        {people.map(({ userId, name, status }) => (
          <li
            key={userId}
            className="flex items-center gap-2.5 rounded-lg px-2 py-1.5 text-sm [contain-intrinsic-size:auto_36px] [content-visibility:auto]"
          >
            <Avatar id={userId} name={name} size="small" status={status === 'left' ? 'offline' : status} />
            <bdi className={status === 'online' ? 'min-w-0 truncate' : 'min-w-0 truncate text-muted'}>{name}</bdi>
            {userId === ownId && <span className="shrink-0 text-muted text-xs">you</span>}
            {isGuest(userId) && userId !== ownId && <span className="shrink-0 text-muted text-xs">guest</span>}
            {WORDS[status] !== undefined && <span className="shrink-0 text-muted text-xs">{WORDS[status]}</span>}
          </li>
        ))}
      </ul>
      {count > members.length && <p className="px-5 pb-4 text-muted text-sm">and {count - members.length} more</p>}
    </div>
  )
})
