/**
 * Guests: users without a token. They get a random id and choose a name, which is made unique while they are connected, on
 * whatever node: with several nodes the broker gives the names out.
 */
import { nameKey, salvageName } from '../base/names.ts'
import type { Runtime } from '../base/runtime.ts'
import { SmallSet } from '../base/small-collections.ts'
import type { Random } from '../ports/system.ts'
import type { User } from '../ports/users.ts'
import type { Connection, GuestName, NamespaceState } from '../state/namespace-state.ts'

/** Numbers up to this are tried before a random suffix. */
const NUMBERED_TRIES = 20
/** A name that was given and that no connection has by then is free again. */
const UNUSED_MS = 30_000

const PREFIX = 'guest:'

/** @returns true for the ids that guests get */
export function isGuestId(userId: string | undefined): boolean {
  return userId?.startsWith(PREFIX) === true
}

export class Guests {
  private readonly runtime: Runtime
  private readonly onNameLost: (connection: Connection) => void

  /** @param onNameLost another guest has the name of this connection by now */
  constructor(runtime: Runtime, onNameLost: (connection: Connection) => void) {
    this.runtime = runtime
    this.onNameLost = onNameLost
  }

  /** @throws RoomfulError (rejects) UNAVAILABLE, with several nodes */
  create(namespace: NamespaceState, requested: string | undefined): User | Promise<User> {
    const sub = `${PREFIX}${this.runtime.random.id(16)}`
    return this.giveName(namespace, { sub, name: '', role: 'guest', guest: true }, requested)
  }

  /** The guest has both names until the new one counts. @throws RoomfulError (rejects) as {@link create} */
  rename(namespace: NamespaceState, guest: User, requested: string): User | Promise<User> {
    return this.giveName(namespace, guest, requested)
  }

  /**
   * The guest turned out to be one who was here before, with this id, and gets the name that was asked for, if it is free.
   * @throws RoomfulError (rejects) as {@link create}
   */
  recognise(namespace: NamespaceState, guest: User, sub: string): User | Promise<User> {
    const requested = namespace.namesOfGuests.get(guest.sub)?.requested
    this.forget(namespace, guest.sub)
    return this.giveName(namespace, { ...guest, sub }, requested)
  }

  /** A connection of the guest is open. */
  enter(connection: Connection): void {
    const { namespace, user } = connection
    const key = nameKey(user.name)
    const isGiven = namespace.guestNames.get(key) === user.sub
    const held = this.namesOf(namespace, user.sub, user.name)
    this.runtime.timers.cancel(held.unused)
    held.unused = undefined // it would keep the guest as it was before
    held.connections.add(connection)
    this.hold(namespace, user.sub, held, key)
    if (!isGiven) this.takeAgain(connection)
  }

  /** A connection is over, or did not open. */
  leave(connection: Connection, sub = connection.user.sub): void {
    const { namespace } = connection
    namespace.namesOfGuests.get(sub)?.connections.delete(connection)
    this.forget(namespace, sub)
  }

  /** An open connection has another user, or its guest another name. */
  renamed(connection: Connection, before: User): void {
    const { namespace, user } = connection
    if (before.guest && before.sub !== user.sub) this.leave(connection, before.sub)
    if (!user.guest) return
    this.enter(connection)
    const held = namespace.namesOfGuests.get(user.sub)
    if (!held || held.connections.size > 1) return
    this.release(namespace, user.sub, [...held.keys].filter((key) => key !== nameKey(user.name))) // biome-ignore format: one call
  }

  /** The names of a guest without a connection are free. */
  forget(namespace: NamespaceState, sub: string): void {
    const held = namespace.namesOfGuests.get(sub)
    if (!held || held.connections.size > 0) return
    this.runtime.timers.cancel(held.unused)
    this.release(namespace, sub, [...held.keys])
    namespace.namesOfGuests.delete(sub)
  }

  /** The name is this node's, also if another one had it meanwhile for the same guest. */
  stay(connection: Connection): void {
    this.takeAgain(connection)
  }

  /** From the broker of several nodes: it may have given names of this node to others. */
  onBreak(namespace: NamespaceState): void {
    for (const connection of namespace.connections.values()) if (connection.user.guest) this.takeAgain(connection)
  }

  private giveName(namespace: NamespaceState, guest: User, requested: string | undefined): User | Promise<User> {
    const { broker, random } = this.runtime
    const wishes = wishesOf(namespace, random, requested, guest.sub)
    const use = (name: string): User => {
      const held = this.namesOf(namespace, guest.sub, requested)
      this.hold(namespace, guest.sub, held, nameKey(name))
      if (held.connections.size === 0) {
        this.runtime.timers.cancel(held.unused)
        held.unused = this.runtime.timers.add(UNUSED_MS, () => this.forget(namespace, guest.sub))
      }
      return { ...guest, name }
    }
    if (!broker.guests) return use(wishes.next().value as string)
    const names = [...wishes]
    const taken = broker.guests.take(namespace.name, guest.sub, names.map(nameKey))
    return taken.then((index) => use(names[index ?? names.length - 1] as string))
  }

  private namesOf(namespace: NamespaceState, sub: string, requested: string | undefined): GuestName {
    const known = namespace.namesOfGuests.get(sub)
    if (known) return known
    const held: GuestName = { requested, keys: new SmallSet(), connections: new SmallSet(), unused: undefined }
    namespace.namesOfGuests.set(sub, held)
    return held
  }

  private hold(namespace: NamespaceState, sub: string, { keys }: GuestName, key: string): void {
    keys.add(key)
    namespace.guestNames.set(key, sub)
  }

  private release(namespace: NamespaceState, sub: string, keys: readonly string[]): void {
    const held = namespace.namesOfGuests.get(sub)
    for (const key of keys) {
      held?.keys.delete(key)
      if (namespace.guestNames.get(key) === sub) namespace.guestNames.delete(key)
    }
    if (keys.length > 0) this.runtime.broker.guests?.release(namespace.name, sub, keys)
  }

  private takeAgain(connection: Connection): void {
    const { namespace, user } = connection
    const taken = this.runtime.broker.guests?.take(namespace.name, user.sub, [nameKey(user.name)])
    taken?.then(
      (index) => {
        if (index === undefined && connection.stage === 'open') this.onNameLost(connection)
      },
      () => undefined, // after the next break it is tried again
    )
  }
}

/** Names that are free on this node, the best one first; the last one is nearly always free everywhere. */
function* wishesOf(
  namespace: NamespaceState,
  random: Random,
  requested: string | undefined,
  self: string,
): Generator<string, undefined> {
  const wanted = salvageName(requested ?? '')
  const isFree = (name: string): boolean => {
    const holder = namespace.guestNames.get(nameKey(name))
    return holder === undefined || holder === self
  }
  if (wanted !== undefined) {
    if (isFree(wanted)) yield wanted
    for (let number = 2; number < NUMBERED_TRIES; number++)
      if (isFree(`${wanted}-${number}`)) yield `${wanted}-${number}`
  }
  yield `${wanted ?? 'guest'}-${random.id(6)}`
}
