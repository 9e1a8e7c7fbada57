/**
 * The state of the rooms that are open here: names with values, as the log has them. Members get each change in its place
 * among the events; those that were behind get the latest of each name. D18.
 */
import type { Runtime } from '../base/runtime.ts'
import type { RoomEvent } from '../events/event.ts'
import { pageOf, type StatePage } from '../events/room-facts.ts'
import type { FactStand, StateChange, StoredState } from '../ports/broker.ts'
import type { NamespaceState, Room } from '../state/namespace-state.ts'

type Deliver = (room: Room, event: RoomEvent) => void

export class RoomStates {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly deliver: Deliver

  constructor(runtime: Runtime, namespace: NamespaceState, deliver: Deliver) {
    this.runtime = runtime
    this.namespace = namespace
    this.deliver = deliver
  }

  /** Before the room is joined for the first time. Rejects as the broker does. */
  async load(room: Room): Promise<void> {
    this.take(room, await this.runtime.broker.state(this.namespace.name, room.id))
  }

  /** From the log, in its place among the events. */
  changed(roomId: string, change: StateChange, stand: FactStand, userId: string | undefined): void {
    const room = this.namespace.rooms.get(roomId)
    if (change.kind === 'read' || room === undefined || room.state === 'freed') return
    const { version, value } = stand
    if (version <= room.facts.fv) return
    // What is missing is read; while the room opens it is being read anyway.
    if (version > room.facts.fv + 1 || room.state === 'opening') return this.readAgain(room)
    room.facts.put(change.name, value, version, userId)
    for (const event of room.facts.changesSince(room.id, version - 1)) this.deliver(room, event)
    this.runtime.turn.endSoon()
  }

  /** Something may have been missed. */
  readAgain(room: Room): void {
    if (room.facts.isReading) return
    room.facts.isReading = true
    Promise.resolve(this.runtime.broker.state(this.namespace.name, room.id)).then(
      (stored) => {
        room.facts.isReading = false
        if (room.state === 'freed') return
        const before = room.facts.fv
        this.take(room, stored)
        for (const event of room.facts.changesSince(room.id, before)) this.deliver(room, event)
        this.runtime.turn.endSoon()
      },
      (error: unknown) => {
        room.facts.isReading = false // the next change asks again
        this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      },
    )
  }

  /** A page of the state of any room. @throws what the broker throws (rejects) */
  async page(roomId: string, after: string | undefined): Promise<StatePage> {
    const room = this.namespace.rooms.get(roomId)
    if (room?.state === 'open' && !room.facts.isReading) return pageOf(room.facts.fv, room.facts.sorted(), after)
    const { fv, entries } = await this.runtime.broker.state(this.namespace.name, roomId)
    return pageOf(fv, entries, after)
  }

  private take(room: Room, { fv, entries }: StoredState): void {
    if (fv <= room.facts.fv) return
    const names = new Set(entries.map(({ name }) => name))
    for (const name of [...room.facts.entries.keys()])
      if (!names.has(name)) room.facts.put(name, undefined, fv, undefined)
    for (const { name, value, version } of entries) {
      if (room.facts.entries.get(name)?.version !== version) room.facts.put(name, value, version, undefined)
    }
    room.facts.fv = fv
  }
}
