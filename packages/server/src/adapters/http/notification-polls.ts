/**
 * A user's notifications over HTTP: told to the inbox, read from it, and waited for without a connection. Nothing is kept
 * between two polls: the next one says where it stands, and the log is read again from there. B9, B10.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatCursor, inboxOf } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'
import { createReader } from '../../core/reader.ts'
import { accountChanged } from '../../core/sessions/account-changes.ts'
import { findNamespace, takeRate } from './exchange.ts'
import { type NotificationPage, parseSince, readPage, type Since } from './notification-page.ts'
import type { HttpNotifications, NotifyRequest } from './notifications.ts'

const NAMESPACE = '/notifications'
/** Polls that wait, in all and of one user, each with a timer and a watcher of its inbox. */
const WAITING_MAX = 20_000
const WAITING_PER_USER_MAX = 32
/** A millisecond is over after one of these; only a clock that was set back needs more, and is not waited for. */
const SETTLE_TRIES = 5
const SETTLE_MS = 2

/** Whose a poll is, until when their token is good, and up to which change of accounts that is known. */
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

/** @param waitingMax polls that may wait at once */
export function createNotifications(hub: Hub, waitingMax: number = WAITING_MAX): HttpNotifications {
  const waiting = new Map<string, number>()
  let total = 0

  /**
   * Until something comes, time is up, or the client is gone; and no longer than the right to it lasts. Watching begins
   * before the log is read.
   */
  const waitFor = async ({ namespace, inbox, since, waitMs, signal, right }: Waiting): Promise<NotificationPage> => {
    const mine = waiting.get(inbox) ?? 0
    if (total >= waitingMax || mine >= WAITING_PER_USER_MAX) {
      throw new RoomfulError('UNAVAILABLE', 'Too many polls are waiting; try again later', { retryAfterMs: 5_000 })
    }
    waiting.set(inbox, mine + 1)
    total++
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
      total--
      const left = (waiting.get(inbox) ?? 1) - 1
      if (left > 0) waiting.set(inbox, left)
      else waiting.delete(inbox)
    }
  }

  return {
    async poll(reader, { since: text, waitMs, signal }) {
      const { user, expiresAt } = reader.identity
      const right = { userId: user.sub, expiresAt, asOf: hub.accountChanges.now }
      takeRate(hub, user.sub)
      const namespace = findNamespace(hub, NAMESPACE)
      const since = parseSince(text)
      await createReader(hub.runtime, namespace, reader.identity, reader)
      const inbox = inboxOf(user.sub)
      const { rows, n } =
        since === undefined || waitMs === 0
          ? await readSettled(hub, namespace, inbox, since)
          : await waitFor({ namespace, inbox, since, waitMs, signal, right })
      const notifications = rows.map(({ roomId, seq, argsJson, ts }) => {
        // What an application publishes is not checked.
        const [{ message = '', title, link } = {}] = JSON.parse(argsJson) as [Partial<Omit<NotifyRequest, 'userId'>>?]
        return { id: `${roomId}-${seq}`, message, title, link, ts }
      })
      return { notifications, cursor: formatCursor(namespace.state.logId, n) }
    },
    async notify({ userId, key, ...told }) {
      const namespace = findNamespace(hub, NAMESPACE)
      const options = key === undefined ? {} : { key }
      const { id, ts } = await namespace.publish(inboxOf(userId), 'notification', [told], options)
      return { status: 'ok', id, ts }
    },
  }
}

/** @throws RoomfulError TOKEN_EXPIRED, or UNAVAILABLE after a ban or another role: whoever comes back is judged anew */
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
