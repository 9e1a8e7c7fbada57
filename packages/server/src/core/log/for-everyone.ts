/**
 * Events that go to everyone in a namespace, several of them together. Thousands who arrive would cost a step for each of
 * them and each who is there. So their bytes are joined once, and a connection is sent the part that it has not had: all of it
 * at the end, or what came before an event of its own, so that each sees everything in the order in which it happened.
 */
import type { RoomEvent } from '../events/event.ts'
import type { Encoding } from '../ports/dialect.ts'
import type { Connection } from '../state/namespace-state.ts'

/** Sends bytes to a connection that is open. */
type Send = (connection: Connection, bytes: Uint8Array) => void

/** What all events say in one encoding, one after the other. */
class Joined {
  private readonly encoding: Encoding
  private bytes = new Uint8Array(1_024)
  /** Where each event begins, and where the last one ends. */
  private readonly starts = [0]
  private all: Uint8Array | undefined

  constructor(encoding: Encoding) {
    this.encoding = encoding
  }

  /** @returns the bytes of the events from one to before another; empty when clients of this kind do not get them */
  between(events: readonly RoomEvent[], from: number, to: number): Uint8Array {
    for (let i = this.starts.length - 1; i < to; i++) this.add(events[i] as RoomEvent)
    if (from > 0) return this.bytes.subarray(this.starts[from], this.starts[to])
    const end = this.starts[to] ?? 0
    // One object for all who get the same: what is made of it is shared too.
    if (this.all?.byteLength === end) return this.all
    const all = this.bytes.subarray(0, end)
    this.all = all
    return all
  }

  private add(event: RoomEvent): void {
    const start = this.starts.at(-1) ?? 0
    const encoded = event.encoded(this.encoding)
    const end = start + (encoded?.byteLength ?? 0)
    if (end > this.bytes.byteLength) {
      // What was sent of the smaller one stays as it is.
      const larger = new Uint8Array(Math.max(end, this.bytes.byteLength * 2))
      larger.set(this.bytes.subarray(0, start))
      this.bytes = larger
    }
    if (encoded) this.bytes.set(encoded, start)
    this.starts.push(end)
  }
}

export class ForEveryone {
  private readonly send: Send
  private readonly events: RoomEvent[] = []
  /** How many of them a connection has had, or is not to get. */
  private readonly passed = new Map<Connection, number>()
  private readonly joined = new Map<string, Joined>()

  constructor(send: Send) {
    this.send = send
  }

  add(event: RoomEvent, except: ReadonlySet<Connection>): void {
    for (const connection of except) this.sendEarlier(connection)
    this.events.push(event)
    for (const connection of except) this.passed.set(connection, this.events.length)
  }

  /** What was added so far, for a connection that is about to be sent something else. */
  sendEarlier(connection: Connection): void {
    const { events, passed } = this
    const from = passed.get(connection) ?? 0
    if (from === events.length) return
    passed.set(connection, events.length)
    this.sendBetween(connection, from)
  }

  /** The rest, to everyone. */
  end(everyone: Iterable<Connection>): void {
    for (const connection of everyone) {
      const from = this.passed.get(connection) ?? 0
      if (from < this.events.length) this.sendBetween(connection, from)
    }
  }

  private sendBetween(connection: Connection, from: number): void {
    if (connection.stage !== 'open') return
    const encoding = connection.link.dialect.encoding(connection.channel)
    let joined = this.joined.get(encoding.key)
    if (joined === undefined) {
      joined = new Joined(encoding)
      this.joined.set(encoding.key, joined)
    }
    const bytes = joined.between(this.events, from, this.events.length)
    if (bytes.byteLength > 0) this.send(connection, bytes)
  }
}
