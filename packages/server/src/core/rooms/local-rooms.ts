/**
 * Rooms of one process for namespaces in which joining takes effect at once: no log, no rules, no presence. A room is named
 * by any value, and exists while it has members. The room that is named like its only usual member, by the member's id,
 * costs nothing until someone else joins it.
 */

/** Who can be in local rooms. */
export interface LocalMember {
  readonly id: string
  /**
   * Set and read here: its rooms in the order of the joins, once it is in another one than its own. A few of them are a list,
   * which takes a quarter of the memory of a set, until someone asks for the set.
   */
  localRooms: Set<unknown> | unknown[] | undefined
  /** Set and read here. */
  isInOwnRoom: boolean
  /** It gets what is sent to its rooms; one that is not let in yet only has them. */
  readonly isReceiving: boolean
}

/** Who gets an event: the members of some rooms, or everyone, without those of other rooms. */
export interface LocalAudience {
  readonly rooms: ReadonlySet<unknown>
  readonly except?: ReadonlySet<unknown> | undefined
}

/** Is informed of rooms and members, in the order in which things happen. */
export interface LocalRoomsListener {
  onRoom(what: 'created' | 'deleted', room: unknown): void
  onMember(what: 'joined' | 'left', room: unknown, id: string): void
}

/** A longer list would be searched at each join. */
const LIST_MAX = 8

export class LocalRooms<M extends LocalMember> {
  /** Rooms without those that are only a member's own. */
  private readonly named = new Map<unknown, Set<M>>()
  /** Everyone who is or was in a room since the entry. */
  private readonly members = new Map<string, M>()
  private readonly listener: LocalRoomsListener

  constructor(listener: LocalRoomsListener) {
    this.listener = listener
  }

  member(id: string): M | undefined {
    return this.members.get(id)
  }

  join(member: M, room: unknown): void {
    this.members.set(member.id, member)
    if (this.isIn(member, room)) return
    const isNew = !this.has(room)
    if (room === member.id) {
      member.isInOwnRoom = true
      if (member.localRooms) this.note(member, room)
    } else {
      this.note(member, room)
      const inside = this.named.get(room)
      if (inside) inside.add(member)
      else this.named.set(room, new Set([member]))
    }
    if (isNew) this.listener.onRoom('created', room)
    this.listener.onMember('joined', room, member.id)
  }

  leave(member: M, room: unknown): void {
    if (!this.isIn(member, room)) return
    const { localRooms } = member
    if (Array.isArray(localRooms)) localRooms.splice(indexOf(localRooms, room), 1)
    else localRooms?.delete(room)
    this.remove(member, room)
  }

  /** Leaves every room. A set that {@link roomsOf} returned before stays as it was. */
  leaveAll(member: M): void {
    if (!this.members.has(member.id)) return
    const { localRooms } = member
    member.localRooms = undefined
    if (localRooms) for (const room of localRooms) this.remove(member, room)
    else if (member.isInOwnRoom) this.remove(member, member.id)
    this.members.delete(member.id)
  }

  /** The rooms of a member, in the order of the joins; it changes with them. */
  roomsOf(member: M): Set<unknown> {
    const { localRooms } = member
    if (localRooms instanceof Set) return localRooms
    const rooms = new Set(localRooms ?? (member.isInOwnRoom ? [member.id] : []))
    member.localRooms = rooms
    return rooms
  }

  has(room: unknown): boolean {
    return this.named.has(room) || this.ownerOf(room) !== undefined
  }

  /** @returns undefined for a room that does not exist */
  idsIn(room: unknown): Set<string> | undefined {
    const owner = this.ownerOf(room)
    const inside = this.named.get(room)
    if (!owner && !inside) return undefined
    const ids = new Set<string>(owner ? [owner.id] : [])
    if (inside) for (const { id } of inside) ids.add(id)
    return ids
  }

  /** The names of all rooms. */
  *names(): Generator<unknown> {
    for (const { id, isInOwnRoom } of this.members.values()) if (isInOwnRoom) yield id
    for (const room of this.named.keys()) if (this.ownerOf(room) === undefined) yield room
  }

  everyone(): IterableIterator<M> {
    return this.members.values()
  }

  get size(): number {
    return this.members.size
  }

  /** Calls `visit` once for each receiver, also for one that is in several of the rooms. */
  forEach({ rooms, except }: LocalAudience, visit: (member: M) => void): void {
    if (except !== undefined && except.size > 1) return this.forEachWithout(rooms, this.gather(except), visit)
    if (except === undefined || except.size === 0) return this.forEachBut(rooms, undefined, visit)
    const [room] = except
    // Nearly always the sender alone.
    if (this.named.has(room)) this.forEachWithout(rooms, this.gather(except), visit)
    else this.forEachBut(rooms, this.ownerOf(room), visit)
  }

  private forEachBut(rooms: ReadonlySet<unknown>, skipped: M | undefined, visit: (member: M) => void): void {
    if (rooms.size > 1) return this.forEachWithout(rooms, new Set(skipped ? [skipped] : []), visit)
    if (rooms.size === 0) {
      for (const member of this.members.values()) if (member !== skipped && member.isReceiving) visit(member)
      return
    }
    const [room] = rooms
    const owner = this.ownerOf(room)
    if (owner && owner !== skipped && owner.isReceiving) visit(owner)
    const inside = this.named.get(room)
    if (inside) for (const member of inside) if (member !== skipped && member.isReceiving) visit(member)
  }

  private forEachWithout(rooms: ReadonlySet<unknown>, without: ReadonlySet<M>, visit: (member: M) => void): void {
    const receivers = rooms.size === 0 ? this.members.values() : this.gather(rooms)
    for (const member of receivers) if (!without.has(member) && member.isReceiving) visit(member)
  }

  private gather(rooms: ReadonlySet<unknown>): Set<M> {
    const gathered = new Set<M>()
    for (const room of rooms) {
      const owner = this.ownerOf(room)
      if (owner) gathered.add(owner)
      const inside = this.named.get(room)
      if (inside) for (const member of inside) gathered.add(member)
    }
    return gathered
  }

  private isIn(member: M, room: unknown): boolean {
    if (room === member.id) return member.isInOwnRoom
    const { localRooms } = member
    return Array.isArray(localRooms) ? localRooms.includes(room) : localRooms?.has(room) === true
  }

  /** It is in this room, too. */
  private note(member: M, room: unknown): void {
    const { localRooms } = member
    if (localRooms instanceof Set) localRooms.add(room)
    else if (localRooms === undefined) member.localRooms = member.isInOwnRoom ? [member.id, room] : [room]
    else if (localRooms.length < LIST_MAX) localRooms.push(room)
    else this.roomsOf(member).add(room)
  }

  private ownerOf(room: unknown): M | undefined {
    const owner = typeof room === 'string' ? this.members.get(room) : undefined
    return owner?.isInOwnRoom ? owner : undefined
  }

  private remove(member: M, room: unknown): void {
    if (room === member.id) member.isInOwnRoom = false
    else {
      const inside = this.named.get(room)
      inside?.delete(member)
      if (inside?.size === 0) this.named.delete(room)
    }
    this.listener.onMember('left', room, member.id)
    if (!this.has(room)) this.listener.onRoom('deleted', room)
  }
}

/** As in a set, `NaN` is one room. */
function indexOf(rooms: readonly unknown[], room: unknown): number {
  return Number.isNaN(room) ? rooms.findIndex(Number.isNaN) : rooms.indexOf(room)
}
