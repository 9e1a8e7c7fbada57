/** Changes of a room's users, as the script writes them. */
import type { OnlineChange, OnlineUsers, PresenceDiff } from '../../../core/ports/broker.ts'
import type { User } from '../../../core/ports/users.ts'

interface PresenceFrame {
  readonly roomId: string
  readonly since: number
  readonly pv: number
  /** The node that calls the hooks. */
  readonly by: string
  readonly changes: readonly {
    readonly user: User
    readonly state: 'here' | 'away' | 'gone'
    readonly isNew: boolean
    readonly reason?: string
  }[]
}

/** A frame that a call of this node, or of another, has made. */
export function toDiff(body: unknown, node: string): PresenceDiff {
  const { roomId, since, pv, by, changes } = body as PresenceFrame
  return { roomId, since, pv, callsHooks: by === node, changes }
}

/** An empty list comes as an object. */
export function toOnline(body: unknown): OnlineUsers {
  const { users, connections, changes = [] } = body as Omit<OnlineUsers, 'changes'> & { changes?: OnlineChange[] }
  return {
    users,
    connections,
    changes: changes.map(({ rooms, ...change }) => ({ ...change, rooms: Array.isArray(rooms) ? rooms : undefined })),
  }
}
