/**
 * Members expected to reconnect. A session that can resume has a grace. A client that was sent a time to come back is
 * expected until then, also by the next process, so that a restart does not look like everyone leaving. G6, G7, D9.
 */
import { isPersonalRoom } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { ReturningMember } from '../ports/broker.ts'
import { signOf } from '../rooms/presence/grace-timers.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { NamespaceParts } from './namespaces.ts'

/** @returns how long presence waits for the connection once it is cut off; 0 when it cannot resume */
export function graceMsOf(runtime: Runtime, { session, user, expectedBackAt }: Connection): number {
  const { presenceGraceMs } = runtime.settings
  if (expectedBackAt === undefined) return session === undefined ? 0 : presenceGraceMs
  // A guest without a session has a new id the next time.
  if (session === undefined && user.guest) return 0
  return Math.max(0, expectedBackAt - runtime.clock.now()) + presenceGraceMs
}

/** What the next process has to know of a connection that is about to be closed; nothing when it is not expected back. */
export function returningOf(runtime: Runtime, connection: Connection): ReturningMember | undefined {
  const graceMs = connection.stage === 'open' && connection.httpMode !== 'one-shot' ? graceMsOf(runtime, connection) : 0
  if (graceMs === 0) return undefined
  const { sub, name, role, guest } = connection.user
  return {
    sign: signOf(connection),
    user: { sub, name, role, ...(guest === undefined ? {} : { guest }) },
    roomIds: [...connection.memberships.keys()].filter((roomId) => !isPersonalRoom(roomId)),
    untilMs: Math.round(runtime.clock.now() + graceMs),
  }
}

/** At the start: clients that the last process sent a time to come back count as reconnecting, in their rooms. */
export async function expectReturning(runtime: Runtime, namespace: NamespaceParts): Promise<void> {
  if (runtime.broker.presence) return // the other nodes, or the broker, have kept their places
  const members = (await runtime.broker.takeReturning?.(namespace.state.name)) ?? []
  const inTime = members.filter(({ untilMs }) => untilMs > runtime.clock.now())
  for (const member of inTime) namespace.users.expect(member, member.untilMs - runtime.clock.now())
  const byRoom = new Map<string, ReturningMember[]>()
  for (const member of inTime) for (const roomId of member.roomIds) addTo(byRoom, roomId, member)
  await Promise.all(Array.from(byRoom, ([roomId, seated]) => expectInRoom(runtime, namespace, roomId, seated)))
}

async function expectInRoom(
  runtime: Runtime,
  namespace: NamespaceParts,
  roomId: string,
  members: readonly ReturningMember[],
): Promise<void> {
  const room = namespace.rooms.open(roomId)
  room.pins++
  try {
    await room.opened
    const { capacity } = room.options
    for (const member of members) {
      const isSeated = capacity === undefined || room.users.has(member.user.sub) || room.users.size < capacity
      if (isSeated) namespace.presence.expect(room, member, member.untilMs - runtime.clock.now())
    }
  } finally {
    room.pins--
    namespace.rooms.freeIfEmpty(room)
  }
}

/** Adds to the list under a name. */
export function addTo(lists: Map<string, ReturningMember[]>, name: string, member: ReturningMember): void {
  const known = lists.get(name)
  if (known) known.push(member)
  else lists.set(name, [member])
}
