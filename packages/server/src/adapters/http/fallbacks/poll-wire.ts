/**
 * The wire and the dialect of a poller. While a poll waits, events that are written become its answer. Between two polls
 * nothing is buffered: the next poll brings its cursor, and events are read from the log after it, so none is lost. The
 * wire stays for a short lease, and with it the user's membership.
 */
import type { ServerResponse } from 'node:http'
import {
  CLOSE_CODES,
  encodePlainControl,
  encodePlainError,
  encodePlainEvent,
  formatCursor,
  parseCursor,
  plainName,
} from '@roomful/protocol'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Timer } from '../../../core/base/timer-wheel.ts'
import type { Hub } from '../../../core/hub.ts'
import type { Link } from '../../../core/link/link.ts'
import { ONE_WAY } from '../../../core/link/one-way.ts'
import type { Dialect, Encoding } from '../../../core/ports/dialect.ts'
import type { Wire } from '../../../core/ports/wire.ts'
import type { Connection } from '../../../core/state/namespace-state.ts'
import { replyError, replyJsonText } from '../exchange.ts'

/** How long a poller stays a member after an answer. A long poll returns at once, a short one every few seconds. */
export const LEASE_MS = 5_000
/** How long a short poll may wait for the log. */
const READ_MS = 2_000

/** A poll that has no answer yet. Bound: a page of the log, or the events of one turn. */
interface Parked {
  readonly response: ServerResponse
  readonly cursor: string
  readonly isShort: boolean
  readonly timer: Timer
  events: { json: string; n: number | undefined }[]
}

export interface PollWireEvents {
  /** The poll was answered: the next one may take the wire over. */
  readonly onIdle: (wire: PollWire) => void
  readonly onGone: (wire: PollWire) => void
}

export class PollWire implements Wire {
  readonly hasPongs = false
  readonly key: string
  /** The user, or the guests' address, whose limit it counts towards. */
  readonly owner: string
  private readonly hub: Hub
  private readonly ends: PollWireEvents
  private link: Link<Connection> | undefined
  private parked: Parked | undefined
  private lease: Timer | undefined
  private isFull = false
  private isOver = false

  constructor(hub: Hub, key: string, owner: string, ends: PollWireEvents) {
    this.hub = hub
    this.key = key
    this.owner = owner
    this.ends = ends
  }

  attach(link: Link<Connection>): void {
    this.link = link
  }

  /** The next poll uses this wire. */
  takeOver(): void {
    this.hub.runtime.timers.cancel(this.lease)
    this.lease = undefined
  }

  /**
   * The rooms are joined: events from now on are this poll's.
   * @param cursor the client's position
   * @param waitMs 0 to answer as soon as the missed events are read
   */
  park(response: ServerResponse, cursor: string, waitMs: number): void {
    // What was on its way between the polls comes after the cursor as well, from the log.
    if (this.link) this.hub.runtime.turn.flushLink(this.link)
    const isShort = waitMs === 0
    const timer = this.hub.runtime.timers.add(isShort ? READ_MS : waitMs, () => this.timeUp())
    this.parked = { response, cursor, isShort, timer, events: [] }
    const onClose = (): void => {
      if (this.parked?.response === response) this.end(CLOSE_CODES.NO_STATUS.code, '')
    }
    response.once('close', onClose)
    if (response.destroyed) onClose()
  }

  /** Called once the join is complete: continues where the last answer was full, and answers a short poll. */
  start(): void {
    this.link?.drained()
    if (this.link) this.hub.runtime.turn.flushLink(this.link)
    if (this.parked?.isShort && !this.isBehind) this.answer()
  }

  /** After an answer with a part of the missed events, the wire counts as full: the rest is read for the next poll. */
  get queuedBytes(): number {
    return this.isFull ? this.hub.runtime.settings.outboxBytes + 1 : 0
  }

  write(buffers: readonly Uint8Array[]): void {
    const { parked } = this
    if (!parked) return // the next poll reads it from the log
    parked.events.push(...readLines(buffers))
    // A reset has no commit number. The events that follow it have, so the answer waits for them.
    if (this.isBehind && parked.events.every(({ n }) => n === undefined)) return
    this.answer()
  }

  pauseReading(): void {}

  resumeReading(): void {}

  /** A poller is alive for as long as its poll or its lease. */
  ping(): void {
    this.link?.alive()
  }

  close(code: number, reason: string): void {
    const refusal = REFUSALS[code]
    const { parked } = this
    if (parked && refusal !== undefined) {
      this.parked = undefined
      this.hub.runtime.timers.cancel(parked.timer)
      replyError(parked.response, new RoomfulError(refusal, reason))
    } else if (parked) this.answer()
    this.end(code, reason)
  }

  terminate(): void {
    const { parked } = this
    this.parked = undefined
    parked?.response.destroy()
    this.release(parked)
  }

  private get isBehind(): boolean {
    return this.link?.connections[0]?.behind !== undefined
  }

  private timeUp(): void {
    if (this.link) this.hub.runtime.turn.flushLink(this.link)
    if (this.parked) this.answer()
  }

  private answer(): void {
    const { parked, isBehind } = this
    if (!parked) return
    this.parked = undefined
    this.hub.runtime.timers.cancel(parked.timer)
    const connection = this.link?.connections[0]
    const confirm = connection && this.hub.of(connection).inboxes.confirmation(connection)
    if (confirm) parked.response.once('finish', confirm)
    const events = parked.events.map(({ json }) => json).join(',')
    replyJsonText(parked.response, 200, `{"events":[${events}],"cursor":${JSON.stringify(this.cursorAfter(parked))}}`)
    this.isFull = isBehind
    queueMicrotask(() => {
      this.isFull = false
    })
    if (this.isOver) return
    this.lease = this.hub.runtime.timers.add(LEASE_MS, () => this.link?.close(CLOSE_CODES.NORMAL.code, ''))
    this.ends.onIdle(this)
  }

  /**
   * A live connection has received everything up to the latest commit that this node knows of, or that another node has sent
   * it; one behind up to the last event of the answer.
   */
  private cursorAfter({ events, cursor }: Parked): string {
    const connection = this.link?.connections[0]
    const namespace = connection?.namespace
    if (connection && namespace && !this.isBehind) {
      const { logId, headN } = namespace
      const asked = parseCursor(cursor)
      const n = asked?.logId === logId ? Math.max(headN, asked.n) : headN
      return formatCursor(logId, n, textsOf(connection))
    }
    const last = events.findLast(({ n }) => n !== undefined)
    if (!namespace || last?.n === undefined) return cursor
    return formatCursor(namespace.logId, last.n, textsOf(connection))
  }

  private end(code: number, reason: string): void {
    const { parked } = this
    this.parked = undefined
    this.release(parked)
    queueMicrotask(() => this.link?.closed(code, reason)) // not now: the link may be closing
  }

  private release(parked: Parked | undefined): void {
    this.isOver = true
    this.hub.runtime.timers.cancel(parked?.timer)
    this.hub.runtime.timers.cancel(this.lease)
    this.ends.onGone(this)
  }
}

/** How much a poller has of messages that are being written. */
function textsOf({ behind, memberships }: Connection): (readonly [n: number, length: number])[] {
  const texts = Array.from(memberships.values()).flatMap(({ room }) => [...room.texts.values()])
  return texts.flatMap(({ stored: { n }, sent }) => {
    const length = behind ? behind.texts.get(n) : sent
    return length === undefined ? [] : [[n, length] as const]
  })
}

/** Closes that another poll would not change. After any other close the poll gets an answer, and the client polls again. */
const REFUSALS: Readonly<Record<number, string>> = {
  [CLOSE_CODES.TOKEN_EXPIRED.code]: 'TOKEN_EXPIRED',
  [CLOSE_CODES.FORBIDDEN.code]: 'FORBIDDEN',
  [CLOSE_CODES.KICKED.code]: 'FORBIDDEN',
}

const utf8 = new TextEncoder()
/** Each poll changes the number of connections, so this event would end the next one. */
const EXCLUDED_EVENTS: ReadonlySet<string> = new Set(['users:count'])
/** The answer has no fields for them. */
const EXCLUDED_CONTROLS: ReadonlySet<string> = new Set(['welcome', 'auth_ok'])

const line = (json: string, n?: number): Uint8Array => utf8.encode(`${n ?? ''} ${json}\n`)

const encoding: Encoding = {
  key: 'poll',
  encode: (event) => (EXCLUDED_EVENTS.has(event.type) ? undefined : line(encodePlainEvent(event), event.stored?.n)),
}

/** Plain's JSON, one line per event, with its commit number in front for the cursor. PROTOCOL.md, section 16. */
export const pollDialect: Dialect = {
  ...ONE_WAY,
  name: 'poll',
  nameOf: plainName,
  confirmsDelivery: true,
  encoding: () => encoding,
  fail: (_channel, error) => line(encodePlainError(error)),
  control: (type, _channel, data) => (EXCLUDED_CONTROLS.has(type) ? undefined : line(encodePlainControl(type, data))),
}

/** Splits what the dialect encoded into lines. JSON contains no raw line break. */
function readLines(buffers: readonly Uint8Array[]): { json: string; n: number | undefined }[] {
  const lines = Buffer.concat(buffers).toString().split('\n')
  return lines.slice(0, -1).map((text) => {
    const space = text.indexOf(' ')
    return { json: text.slice(space + 1), n: space === 0 ? undefined : Number(text.slice(0, space)) }
  })
}
