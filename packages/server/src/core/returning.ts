/**
 * Who was cut off and is expected back: how long presence waits for him, and how it outlives a restart that was announced.
 * Sessions that resume have a grace; whoever was told when to come back is waited for until then, in the next process too,
 * so that nobody sees everyone leave and come. G6, G7, D9.
 */
import { isPersonalRoom } from '@roomful/protocol'
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'
import type { Namespace } from './namespace.ts'
import type { ReturningMember } from './ports/broker.ts'
import { signOf } from './presence/holds.ts'

/** @returns for how long what it has is kept once it is cut off; 0 when it cannot come back as the same one */
export function holdMsOf(hub: Hub, { session, user, dueBackAt }: Connection): number {
  const { presenceGraceMs } = hub.settings
  if (dueBackAt === undefined) return session === undefined ? 0 : presenceGraceMs
  // A guest without a session is another one the next time.
  if (session === undefined && user.guest) return 0
  return Math.max(0, dueBackAt - hub.clock.now()) + presenceGraceMs
}

/** What the next process has to know of a connection that is about to be closed; nothing when it will not be waited for. */
export function returningOf(hub: Hub, connection: Connection): ReturningMember | undefined {
  const holdMs = connection.stage === 'open' && connection.visit !== 'request' ? holdMsOf(hub, connection) : 0
  if (holdMs === 0) return undefined
  const { sub, name, role, guest } = connection.user
  return {
    sign: signOf(connection),
    user: { sub, name, role, ...(guest === undefined ? {} : { guest }) },
    roomIds: [...connection.memberships.keys()].filter((roomId) => !isPersonalRoom(roomId)),
    untilMs: Math.round(hub.clock.now() + holdMs),
  }
}

/** At the start: those whom the last process told to come back count as on the way, in the rooms that they were in. */
export async function expectReturning(hub: Hub, namespace: Namespace): Promise<void> {
  const members = await hub.broker.takeReturning(namespace.name)
  const inTime = members.filter(({ untilMs }) => untilMs > hub.clock.now())
  for (const member of inTime) namespace.users.expect(member, member.untilMs - hub.clock.now())
  const byRoom = new Map<string, ReturningMember[]>()
  for (const member of inTime) for (const roomId of member.roomIds) addTo(byRoom, roomId, member)
  await Promise.all(Array.from(byRoom, ([roomId, seated]) => expectInRoom(hub, namespace, roomId, seated)))
}

async function expectInRoom(
  hub: Hub,
  namespace: Namespace,
  roomId: string,
  members: readonly ReturningMember[],
): Promise<void> {
  const room = namespace.openRoom(roomId)
  room.pins++
  try {
    await room.opened
    const { capacity } = room.options
    for (const member of members) {
      // Seats are not stored: they are taken again, before anybody else can.
      const { sub } = member.user
      const isSeated = capacity === undefined || (await hub.broker.takeSeat(namespace.name, roomId, sub, capacity))
      if (isSeated) namespace.presence.expect(room, member, member.untilMs - hub.clock.now())
    }
  } finally {
    room.pins--
    namespace.freeIfEmpty(room)
  }
}

/** Adds to the list under a name. */
export function addTo(lists: Map<string, ReturningMember[]>, name: string, member: ReturningMember): void {
  const known = lists.get(name)
  if (known) known.push(member)
  else lists.set(name, [member])
}
