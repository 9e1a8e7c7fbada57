/**
 * Messages that are being written, in the rooms that are open here: what is stored of them goes to the members that read
 * along, once a turn and message, however many pieces came. D17.
 */
import type { Runtime } from '../base/runtime.ts'
import type { RoomEvent } from '../events/event.ts'
import { ENDED, type Ending, GrowingText, isGrowing } from '../events/growing-text.ts'
import type { FactChange, GrowingRow } from '../ports/broker.ts'
import type { NamespaceState, Room } from '../state/namespace-state.ts'

/** How often what is read again may have changed meanwhile, before the next change is left to ask again. */
const READS_MAX = 5

/** Sends an event to the members of a room that read along. */
type Deliver = (room: Room, event: RoomEvent) => void

export class Texts {
  /** Nothing was added to a message for too long. */
  onIdle: (room: Room, text: GrowingText) => void = () => undefined
  /** A message has ended, on whatever node. */
  onEnded: (roomId: string, ending: Ending) => void = () => undefined
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly deliver: Deliver
  private due: { readonly room: Room; readonly text: GrowingText }[] = []

  constructor(runtime: Runtime, namespace: NamespaceState, deliver: Deliver) {
    this.runtime = runtime
    this.namespace = namespace
    this.deliver = deliver
  }

  /** Before the room is joined for the first time. Rejects as the broker does. */
  async load(room: Room): Promise<void> {
    const rows = await this.read(room)
    for (const row of rows ?? []) {
      const text = this.take(room, row)
      text.catchUp(row)
      text.sent = text.length // no one reads along yet
    }
  }

  /** An event is about to be sent to its room. @returns false when it cannot be in memory, since what it is about is not known here */
  releasing(room: Room, event: RoomEvent): boolean {
    if (isGrowing(event)) {
      const { seq, ts } = event.stored as { seq: number; ts: number }
      this.add(room, seq, new GrowingText(event, ts))
      return true
    }
    return event.type === ENDED ? this.ending(room, event) : true
  }

  /** From the log, in its place among the events. */
  changed(roomId: string, change: FactChange): void {
    const room = this.namespace.rooms.get(roomId)
    if (room === undefined || room.state === 'freed') return
    if (room.state === 'opening' && !room.texts.has(seqOf(change))) {
      room.endedTexts++ // what is being read may be without it
      return
    }
    if (change.kind === 'resume') {
      room.tail.clear(room.head) // the row is another one now
      return this.readAgain(room)
    }
    if (change.kind !== 'extend') return
    const text = room.texts.get(change.seq)
    if (!text?.add(change.at, change.fragment, change.length, this.runtime.clock.now())) return this.readAgain(room)
    this.sendSoon(room, text)
  }

  /** Something may have been missed: what is missing is read. */
  readAgain(room: Room): void {
    if (room.isReadingTexts || room.state !== 'open') return
    room.isReadingTexts = true
    this.read(room).then(
      (rows) => {
        room.isReadingTexts = false
        if (rows) this.mendAll(room, rows)
        this.runtime.turn.endSoon()
      },
      (error: unknown) => {
        room.isReadingTexts = false // the next piece asks again, and so does a client that comes back
        this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      },
    )
  }

  /** The room has another log: what is written in that one is not known yet. */
  forget(room: Room): void {
    room.texts.clear()
    room.endedTexts++
    this.readAgain(room)
  }

  /** What is not written any more ended in what was missed: members get that from the log. */
  private mendAll(room: Room, rows: readonly GrowingRow[]): void {
    const seqs = new Set(rows.map(({ row }) => row.seq))
    for (const seq of room.texts.keys()) if (!seqs.has(seq) && seq <= room.head) room.texts.delete(seq)
    for (const row of rows) this.mend(room, row)
  }

  private mend(room: Room, row: GrowingRow): void {
    const { seq } = row.row
    const known = room.texts.get(seq)
    if (known) {
      known.catchUp(row)
      this.sendSoon(room, known)
    } else if (seq <= room.head) this.deliver(room, this.take(room, row).tell())
  }

  /** A text that ends while it is read must not come back. */
  private async read(room: Room): Promise<readonly GrowingRow[] | undefined> {
    for (let tries = 0; tries < READS_MAX; tries++) {
      const { endedTexts } = room
      const rows = await this.runtime.broker.growing(this.namespace.name, room.id)
      if (room.state === 'freed') return undefined
      if (room.endedTexts === endedTexts) return rows
    }
    return undefined
  }

  private take(room: Room, row: GrowingRow): GrowingText {
    const { seq } = row.row
    const known = room.texts.get(seq)
    if (known) return known
    const text = GrowingText.of(row)
    this.add(room, seq, text)
    return text
  }

  private add(room: Room, seq: number, text: GrowingText): void {
    room.texts.set(seq, text)
    this.watch(room, text)
  }

  private ending(room: Room, event: RoomEvent): boolean {
    room.endedTexts++
    const ending = event.args[0] as Ending
    const { target, length } = ending
    const text = room.texts.get(target)
    room.texts.delete(target)
    this.onEnded(room.id, ending)
    if (text?.length !== length) return false
    this.send(room, text)
    event.about = text.whole(ending)
    room.tail.replace(event.about, target)
    return true
  }

  private sendSoon(room: Room, text: GrowingText): void {
    if (text.isDue || text.sent === text.length) return
    text.isDue = true
    if (this.due.length === 0) this.runtime.turn.beforeFlush(this.sendDue)
    this.due.push({ room, text })
  }

  private readonly sendDue = (): void => {
    const { due } = this
    this.due = []
    for (const { room, text } of due) {
      text.isDue = false
      if (room.texts.get(text.stored.seq) === text) this.send(room, text)
    }
  }

  private send(room: Room, text: GrowingText): void {
    const { sent, length } = text
    if (sent === length) return
    const isPiece = text.hasPlace(sent)
    const piece = isPiece ? text.pieceFrom(sent, true) : undefined
    text.sent = length
    this.deliver(room, piece ?? text.tell())
  }

  /** One timer per message, set again when it fires too early. */
  private watch(room: Room, text: GrowingText): void {
    const { clock, settings, timers } = this.runtime
    const left = text.ts + settings.streamIdleMs - clock.now()
    timers.add(Math.max(0, left), () => {
      if (room.state === 'freed' || room.texts.get(text.stored.seq) !== text) return
      if (clock.now() - text.ts >= settings.streamIdleMs) {
        text.ts = clock.now() // asked again after as long, if it cannot be ended now
        this.onIdle(room, text)
      }
      this.watch(room, text)
    })
  }
}

function seqOf(change: FactChange): number {
  return 'seq' in change ? change.seq : 0
}
