/** The rooms of a namespace that are in memory: opened when they are needed, freed when nothing needs them. B30. */
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { HotBudget } from '../events/hot-tail.ts'
import type { Head } from '../ports/broker.ts'
import { type NamespaceState, Room } from '../state/namespace-state.ts'

export class OpenRooms {
  /** What has to be there before a room is joined, beside its log. */
  onOpened: (room: Room) => Promise<void> | undefined = () => undefined
  /** Reads the messages of a room that are being written, and its state. */
  readFacts: (room: Room, head: Head) => Promise<void> = async () => undefined
  /** Open rooms of which something else that a join needs could not be read. */
  private readonly incomplete = new WeakSet<Room>()
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly hotBudget: HotBudget

  constructor(runtime: Runtime, namespace: NamespaceState, hotBudget: HotBudget) {
    this.runtime = runtime
    this.namespace = namespace
    this.hotBudget = hotBudget
  }

  /** The room, with its log's position on the way when it is new. */
  open(roomId: string): Room {
    const { rooms, declarations, name } = this.namespace
    const { broker, settings } = this.runtime
    const known = rooms.get(roomId)
    if (known) {
      if (this.incomplete.delete(known)) this.watch(known, Promise.resolve(this.onOpened(known)))
      return known
    }
    const options = declarations.find(roomId, true)?.options ?? {}
    // What the log no longer keeps must not be found in memory: the order of `n` would be lost on the way.
    const historySize = Math.min(options.historySize ?? settings.historySize, options.retention ?? Infinity)
    const room = new Room(roomId, options, historySize, this.hotBudget, broker.presence !== undefined)
    rooms.set(roomId, room)
    const failed = (cause: unknown): never => {
      rooms.delete(roomId)
      room.state = 'freed'
      throw new RoomfulError('UNAVAILABLE', undefined, { cause })
    }
    const opened = broker.subscribe(name, [{ roomId, retention: options.retention }]).then(([head]) => {
      if (!head || room.state === 'freed') return
      if (head.isGrowing || head.hasState) {
        // A message is added to as soon as it was read, and its number is of this log.
        room.epoch = head.epoch
        return this.readFacts(room, head).then(() => this.opened(room, head), failed)
      }
      return this.opened(room, head)
    }, failed)
    this.watch(room, opened)
    return room
  }

  /** A join awaits it and reports the error. Where the log is there and the rest failed, the next join asks for that again. */
  private watch(room: Room, opened: Promise<void>): void {
    room.opened = opened
    opened.catch(() => room.state === 'open' && this.incomplete.add(room))
  }

  private opened(room: Room, head: Head): Promise<void> | undefined {
    if (room.state === 'freed') return undefined
    room.state = 'open'
    room.epoch = head.epoch
    room.first = head.first
    // What was released while the question was under way may be newer than the answer.
    if (head.seq > room.head) room.tail.clear(head.seq)
    room.head = Math.max(room.head, head.seq)
    this.namespace.headN = Math.max(this.namespace.headN, head.n ?? 0)
    return this.onOpened(room)
  }

  /** The room goes; its log stays for its retention. B30. */
  freeIfEmpty(room: Room): void {
    if (!room.isEmpty || room.state === 'freed' || this.namespace.rooms.get(room.id) !== room) return
    room.state = 'freed'
    room.tail.clear()
    this.namespace.rooms.delete(room.id)
    this.runtime.broker.unsubscribe(this.namespace.name, [room.id])
  }
}
