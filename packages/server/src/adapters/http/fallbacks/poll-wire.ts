/**
 * A poller's link. While a poll waits, what is written to it becomes the answer; between two polls nothing is kept, since
 * the next one says after which cursor it goes on and the log is read again from there. So there is no buffer, and no event
 * can fall between two polls. The seat stays for a short lease, and with it the membership of its user.
 */
import type { ServerResponse } from 'node:http'
import {
  CLOSE_CODES,
  encodePlainControl,
  encodePlainError,
  encodePlainEvent,
  formatCursor,
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

/** How long a poller is still there after an answer. A long poll comes back at once, a short one every few seconds. */
const LEASE_MS = 5_000
/** How long a poll that should not wait is given for reading the log. */
const READ_MS = 2_000

/** A poll that has no answer yet. Bound: a page of the log, or what one turn told. */
interface Parked {
  readonly response: ServerResponse
  readonly cursor: string
  readonly isShort: boolean
  readonly timer: Timer
  events: { json: string; n: number | undefined }[]
}

export interface SeatEnds {
  /** Answered: another poll may take it. */
  readonly onIdle: (seat: PollSeat) => void
  readonly onGone: (seat: PollSeat) => void
}

export class PollSeat implements Wire {
  readonly hasPongs = false
  readonly key: string
  /** Whom it counts for. */
  readonly owner: string
  private readonly hub: Hub
  private readonly ends: SeatEnds
  private link: Link<Connection> | undefined
  private parked: Parked | undefined
  private lease: Timer | undefined
  private isFull = false
  private isOver = false

  constructor(hub: Hub, key: string, owner: string, ends: SeatEnds) {
    this.hub = hub
    this.key = key
    this.owner = owner
    this.ends = ends
  }

  attach(link: Link<Connection>): void {
    this.link = link
  }

  /** Another poll has it now. */
  take(): void {
    this.hub.runtime.timers.cancel(this.lease)
    this.lease = undefined
  }

  /**
   * The rooms are entered: what is told from now on is for this poll.
   * @param cursor where it stands
   * @param waitMs 0 to be answered as soon as what was missed is read
   */
  park(response: ServerResponse, cursor: string, waitMs: number): void {
    const isShort = waitMs === 0
    const timer = this.hub.runtime.timers.add(isShort ? READ_MS : waitMs, () => this.timeUp())
    this.parked = { response, cursor, isShort, timer, events: [] }
    const onClose = (): void => {
      if (this.parked?.response === response) this.end(CLOSE_CODES.NO_STATUS.code, '')
    }
    response.once('close', onClose)
    if (response.destroyed) onClose()
  }

  /** Everything that is known at once has been said: goes on where the last answer was full, and lets a short poll go. */
  start(): void {
    this.link?.drained()
    if (this.link) this.hub.runtime.turn.flushLink(this.link)
    if (this.parked?.isShort && !this.isBehind) this.answer()
  }

  /** More than fits when an answer was given in the middle of what was missed: the rest is read for the next poll. */
  get queuedBytes(): number {
    return this.isFull ? this.hub.runtime.settings.outboxBytes + 1 : 0
  }

  write(buffers: readonly Uint8Array[]): void {
    const { parked } = this
    if (!parked) return // the next poll reads it from the log
    parked.events.push(...readLines(buffers))
    // A reset alone has no cursor: what there is comes right behind it.
    if (this.isBehind && parked.events.every(({ n }) => n === undefined)) return
    this.answer()
  }

  pauseReading(): void {}

  resumeReading(): void {}

  /** It is there for as long as its poll, or its lease. */
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
    this.letGo(parked)
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

  /** Who is live was told everything up to the latest commit; who is behind, up to the last event of the answer. */
  private cursorAfter({ events, cursor }: Parked): string {
    const namespace = this.link?.connections[0]?.namespace
    if (namespace && !this.isBehind) return formatCursor(namespace.logId, namespace.headN)
    const last = events.findLast(({ n }) => n !== undefined)
    return namespace && last?.n !== undefined ? formatCursor(namespace.logId, last.n) : cursor
  }

  private end(code: number, reason: string): void {
    const { parked } = this
    this.parked = undefined
    this.letGo(parked)
    queueMicrotask(() => this.link?.closed(code, reason)) // the link may be in the middle of closing
  }

  private letGo(parked: Parked | undefined): void {
    this.isOver = true
    this.hub.runtime.timers.cancel(parked?.timer)
    this.hub.runtime.timers.cancel(this.lease)
    this.ends.onGone(this)
  }
}

/** What waiting again would not change. Whoever waits through anything else is answered, and comes back. */
const REFUSALS: Readonly<Record<number, string>> = {
  [CLOSE_CODES.TOKEN_EXPIRED.code]: 'TOKEN_EXPIRED',
  [CLOSE_CODES.FORBIDDEN.code]: 'FORBIDDEN',
  [CLOSE_CODES.KICKED.code]: 'FORBIDDEN',
}

const utf8 = new TextEncoder()
/** Polls come and go, so each would end the next one by changing the number of connections. */
const UNTOLD: ReadonlySet<string> = new Set(['users:count'])
/** An answer has no place for them. */
const UNTOLD_CONTROLS: ReadonlySet<string> = new Set(['welcome', 'auth_ok'])

const line = (json: string, n?: number): Uint8Array => utf8.encode(`${n ?? ''} ${json}\n`)

const encoding: Encoding = {
  key: 'poll',
  encode: (event) => (UNTOLD.has(event.type) ? undefined : line(encodePlainEvent(event), event.stored?.n)),
}

export const pollDialect: Dialect = {
  ...ONE_WAY,
  name: 'poll',
  nameOf: plainName,
  confirmsDelivery: true,
  encoding: () => encoding,
  fail: (_channel, error) => line(encodePlainError(error)),
  control: (type, _channel, data) => (UNTOLD_CONTROLS.has(type) ? undefined : line(encodePlainControl(type, data))),
}

/** What the wire was given, read again: JSON has no raw line break. */
export function readLines(buffers: readonly Uint8Array[]): { json: string; n: number | undefined }[] {
  const lines = Buffer.concat(buffers).toString().split('\n')
  return lines.slice(0, -1).map((text) => {
    const space = text.indexOf(' ')
    return { json: text.slice(space + 1), n: space === 0 ? undefined : Number(text.slice(0, space)) }
  })
}
