/**
 * Who was cut off and is expected back: how long presence waits for him, and how it outlives a restart that was announced.
 * Sessions that resume have a grace; whoever was told when to come back is waited for until then, in the next process too,
 * so that nobody sees everyone leave and come. G6, G7, D9.
 */
import { isPersonalRoom } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { ReturningMember } from '../ports/broker.ts'
import { signOf } from '../rooms/presence/grace-timers.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { NamespaceParts } from './namespaces.ts'

/** @returns for how long what it has is kept once it is cut off; 0 when it cannot come back as the same one */
export function holdMsOf(runtime: Runtime, { session, user, dueBackAt }: Connection): number {
  const { presenceGraceMs } = runtime.settings
  if (dueBackAt === undefined) return session === undefined ? 0 : presenceGraceMs
  // A guest without a session is another one the next time.
  if (session === undefined && user.guest) return 0
  return Math.max(0, dueBackAt - runtime.clock.now()) + presenceGraceMs
}

/** What the next process has to know of a connection that is about to be closed; nothing when it will not be waited for. */
export function returningOf(runtime: Runtime, connection: Connection): ReturningMember | undefined {
  const holdMs = connection.stage === 'open' && connection.httpMode !== 'one-shot' ? holdMsOf(runtime, connection) : 0
  if (holdMs === 0) return undefined
  const { sub, name, role, guest } = connection.user
  return {
    sign: signOf(connection),
    user: { sub, name, role, ...(guest === undefined ? {} : { guest }) },
    roomIds: [...connection.memberships.keys()].filter((roomId) => !isPersonalRoom(roomId)),
    untilMs: Math.round(runtime.clock.now() + holdMs),
  }
}

/** At the start: those whom the last process told to come back count as on the way, in the rooms that they were in. */
export async function expectReturning(runtime: Runtime, namespace: NamespaceParts): Promise<void> {
  const members = await runtime.broker.takeReturning(namespace.state.name)
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
      // Seats are not stored: they are taken again, before anybody else can.
      const { sub } = member.user
      const isSeated =
        capacity === undefined || (await runtime.broker.takeSeat(namespace.state.name, roomId, sub, capacity))
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
