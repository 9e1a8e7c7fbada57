/** Sends what is in no log to one connection, whether it is live or behind. */
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { CatchUp } from './catch-up.ts'
import { type Audience, EVERYONE } from './effects.ts'

export class Delivery {
  private readonly runtime: Runtime
  private readonly catchUp: CatchUp

  constructor(runtime: Runtime, catchUp: CatchUp) {
    this.runtime = runtime
    this.catchUp = catchUp
  }

  send(connection: Connection, event: RoomEvent, target: Audience): void {
    if (connection.stage !== 'open') return
    const bytes = event.encoded(connection.link.dialect.encoding(connection.channel))
    if (bytes === undefined) return
    if (connection.behind !== undefined) this.sendBehind(connection, event, target, bytes)
    else connection.link.send(bytes)
    if (event.place !== undefined) connection.lastTransient = event.place.serial
  }

  /** To a connection that reads from the log: a volatile event is dropped, or kept as the latest of its key. */
  sendBehind(connection: Connection, event: RoomEvent, target: Audience, bytes: Uint8Array): void {
    if (target.volatile) this.catchUp.keepLatest(connection, event, target.latestKey)
    else if (event.place !== undefined && connection.restoresRooms) this.catchUp.keepTransient(connection, event)
    else connection.link.send(bytes) // never dropped silently; the link bounds what waits
  }

  /** An event of Roomful itself for one connection. */
  notify(connection: Connection, type: string, data: Record<string, unknown>): void {
    this.send(connection, RoomEvent.transient(type, [data], true), EVERYONE)
    this.runtime.turn.endSoon()
  }
}
