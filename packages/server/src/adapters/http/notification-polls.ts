/**
 * Short and long polls for a user's notifications, without a connection. Nothing is kept between two polls: each brings its
 * position, and the inbox is read from there. B9, B10.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatCursor, inboxOf } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { Identity } from '../../core/ports/users.ts'
import { createReader } from '../../core/reader.ts'
import { accountChanged } from '../../core/sessions/account-changes.ts'
import { findNamespace, takeRate } from './exchange.ts'
import { type NotificationPage, parseSince, readPage, type Since } from './notification-page.ts'

/** The namespace of notifications. */
export const NOTIFICATIONS = '/notifications'
/** Polls that may wait at once, in all and of one user. Each has a timer and watches its inbox. */
const WAITING_MAX = 20_000
const WAITING_PER_USER_MAX = 32
/** One try is enough for a millisecond to be over. More are needed only when the clock was set back. */
const SETTLE_TRIES = 5
const SETTLE_MS = 2

/** The user of a poll, the expiry of their token, and the last account change that was checked. */
interface Right {
  readonly userId: string
  readonly expiresAt: number | undefined
  readonly asOf: number
}

interface Waiting {
  readonly namespace: Namespace
  readonly inbox: string
  readonly since: Since
  readonly waitMs: number
  readonly signal: AbortSignal
  readonly right: Right
}

/** Who polls. */
export interface NotificationReader {
  readonly identity: Identity
  readonly ip: string
  readonly userAgent: string
}

/** What a poll asks for. */
export interface NotificationPoll {
  /** Ms since 1970, ISO 8601 or a cursor; undefined for the newest notifications. */
  readonly since: string | undefined
  readonly waitMs: number
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
}

/** All polls for notifications. */
export class NotificationPolls {
  private readonly hub: Hub
  private readonly waitingMax: number
  /** Number of waiting polls of each inbox. */
  private readonly waiting = new Map<string, number>()
  private total = 0

  /** @param waitingMax polls that may wait at once */
  constructor(hub: Hub, waitingMax: number = WAITING_MAX) {
    this.hub = hub
    this.waitingMax = waitingMax
  }

  /**
   * Answers a poll.
   * @throws RoomfulError (rejects) INVALID_MESSAGE, CURSOR_INVALID, FORBIDDEN, RATE_LIMITED, TOKEN_EXPIRED, UNAVAILABLE
   */
  async poll(reader: NotificationReader, { since: text, waitMs, signal }: NotificationPoll): Promise<unknown> {
    const { hub } = this
    const { user, expiresAt } = reader.identity
    const right = { userId: user.sub, expiresAt, asOf: hub.accountChanges.now }
    takeRate(hub, user.sub)
    const namespace = findNamespace(hub, NOTIFICATIONS)
    const since = parseSince(text)
    await createReader(hub.runtime, namespace, reader.identity, reader)
    const inbox = inboxOf(user.sub)
    const { rows, n } =
      since === undefined || waitMs === 0
        ? await readSettled(hub, namespace, inbox, since)
        : await this.waitFor({ namespace, inbox, since, waitMs, signal, right })
    const notifications = rows.map(({ roomId, seq, argsJson, ts }) => {
      // Applications may publish without these fields.
      const [{ message = '', title, link } = {}] = JSON.parse(argsJson) as [
        { message?: string; title?: string; link?: string }?,
      ]
      return { id: `${roomId}-${seq}`, message, title, link, ts }
    })
    return { notifications, cursor: formatCursor(namespace.state.logId, n) }
  }

  /**
   * Waits for a notification, the time limit, or the end of the request; and no longer than the token is valid. Watches the
   * inbox before it reads the log, so that nothing is missed in between.
   */
  private async waitFor({ namespace, inbox, since, waitMs, signal, right }: Waiting): Promise<NotificationPage> {
    const { hub } = this
    const mine = this.waiting.get(inbox) ?? 0
    if (this.total >= this.waitingMax || mine >= WAITING_PER_USER_MAX) {
      throw new RoomfulError('UNAVAILABLE', 'Too many polls are waiting; try again later', { retryAfterMs: 5_000 })
    }
    this.waiting.set(inbox, mine + 1)
    this.total++
    let isOver = waitMs === 0 || signal.aborted
    let isWoken = false
    let wake = (): void => undefined
    const end = (): void => {
      isOver = true
      wake()
    }
    const unwatch = namespace.inboxes.watch(inbox, () => {
      isWoken = true
      wake()
    })
    const leftMs = (right.expiresAt ?? Number.POSITIVE_INFINITY) - hub.runtime.clock.now()
    const timer = hub.runtime.timers.add(Math.min(waitMs, Math.max(0, leftMs)), end)
    signal.addEventListener('abort', end, { once: true })
    try {
      for (;;) {
        isWoken = false
        const page = await readSettled(hub, namespace, inbox, since)
        checkRight(hub, right)
        if (page.rows.length > 0 || isOver || hub.state !== 'ready') return page
        await new Promise<void>((resolve) => {
          wake = resolve
          if (isOver || isWoken) resolve()
        })
      }
    } finally {
      hub.runtime.timers.cancel(timer)
      signal.removeEventListener('abort', end)
      unwatch()
      this.total--
      const left = (this.waiting.get(inbox) ?? 1) - 1
      if (left > 0) this.waiting.set(inbox, left)
      else this.waiting.delete(inbox)
    }
  }
}

/** @throws RoomfulError TOKEN_EXPIRED; UNAVAILABLE after a ban or a change of role, so that the client asks again */
function checkRight(hub: Hub, { userId, expiresAt, asOf }: Right): void {
  if (hub.accountChanges.since(asOf, userId)) throw accountChanged()
  if (expiresAt !== undefined && hub.runtime.clock.now() >= expiresAt) throw new RoomfulError('TOKEN_EXPIRED')
}

async function readSettled(hub: Hub, namespace: Namespace, inbox: string, since: Since): Promise<NotificationPage> {
  let page = await readPage(hub, namespace, inbox, since)
  for (let tries = 0; page.isHeldBack && tries < SETTLE_TRIES; tries++) {
    await sleep(SETTLE_MS)
    page = await readPage(hub, namespace, inbox, since)
  }
  return page
}
