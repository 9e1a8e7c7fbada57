/**
 * Webhooks: the node that leads sends what stands in the outboxes to the backend, one delivery after another for each
 * namespace. What the backend does not take is tried again, for as long as it takes, before anything that came after it.
 */
import { hash } from 'node:crypto'
import { isPersonalRoom } from '@roomful/protocol'
import type { Lead, Leading } from '../../core/api.ts'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import { OUTBOX } from '../../core/log/outbox.ts'
import type { User, Users } from '../../core/ports/users.ts'
import { Wanted, type WebhookEvent } from './events.ts'
import { Feed, type FeedBatch } from './feed.ts'
import { type Outcome, post, sign, type WebhookTarget } from './post.ts'

export interface WebhooksOptions {
  readonly hub: Hub
  readonly users: Users
  readonly target: WebhookTarget
  readonly events: readonly string[]
  /** Rows kept in the outbox of each namespace. */
  readonly retention: number
  /** The first pause after a failure; less for tests. */
  readonly retryMinMs?: number | undefined
}

/** How deliveries are going. */
export interface WebhooksStatus {
  /** Where they go, without what may be secret in the URL. */
  readonly url: string
  readonly pending: number
  readonly delivered: number
  readonly lost: number
  readonly rejected: number
  readonly failure: { readonly reason: string; readonly since: number; readonly attempts: number; readonly nextAt: number } | null // biome-ignore format: one value
  /** The latest first. */
  readonly recent: readonly Delivery[]
}

export interface Delivery {
  readonly at: number
  readonly id: string
  readonly namespace: string
  readonly events: number
  readonly types: readonly string[]
  readonly outcome: 'delivered' | 'failed' | 'rejected'
  readonly reason: string
  readonly durationMs: number
}

type Question = { readonly kind: 'status' } | { readonly kind: 'replay'; readonly sinceMs: number; readonly namespace: string | undefined } // biome-ignore format: one type

const LEAD = 'roomful:webhooks'
/** How soon what another node noted is found. */
const LOOK_MS = 250
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 300_000
/** A single event that is refused so often as not valid is left out, and counted. */
const REFUSALS_MAX = 10
const RECENT_MAX = 50
/** An outage that lasts for so long is reported. */
const REPORT_AFTER_MS = 30_000
const RECONCILE_MS = 10_000
/** How often the events that wait are counted while the backend takes none. */
const REFRESH_MS = 1_000
/** Rooms compared with who is there, in one pass and namespace. */
const RECONCILE_ROOMS = 1_000

export class Webhooks {
  private readonly options: WebhooksOptions
  private readonly wanted: Wanted
  private readonly feeds: readonly Feed[]
  private readonly leading: Leading
  private readonly recent: Delivery[] = []
  /** By namespace. */
  private readonly failures = new Map<string, { reason: string; since: number; attempts: number; nextAt: number }>()
  private readonly wakes = new Set<() => void>()
  private delivered = 0
  private lost = 0
  private rejected = 0
  private isReported = false

  /** Once all namespaces are declared. */
  constructor(options: WebhooksOptions) {
    const { hub, users, events } = options
    this.options = options
    this.wanted = new Wanted(events)
    this.feeds = hub.allNamespaces().map((namespace) => {
      const feed = new Feed({
        namespace,
        broker: hub.runtime.broker,
        wanted: this.wanted,
        isKnownUser: async (userId) => (await users.find(userId)) !== undefined,
        onLost: (rows) => this.onLost(rows),
      })
      if (this.wanted.ofPresence) this.watch(feed)
      namespace.state.subscribers.add('stored', () => this.wake())
      return feed
    })
    this.leading = hub.leads.add(LEAD, (lead) => this.run(lead))
  }

  /** From the node that leads. @throws RoomfulError (rejects) UNAVAILABLE */
  status(): Promise<WebhooksStatus> {
    return this.leading.ask<WebhooksStatus>({ kind: 'status' } satisfies Question)
  }

  /** Sends again what was stored since, besides what is due. @throws RoomfulError (rejects) UNAVAILABLE */
  replay(sinceMs: number, namespace: string | undefined): Promise<{ started: true }> {
    return this.leading.ask({ kind: 'replay', sinceMs, namespace } satisfies Question)
  }

  /** A user was banned, or may come back. Rejects with UNAVAILABLE when it could not be noted. */
  async onBan(userId: string, isBanned: boolean, reason: string | undefined): Promise<void> {
    const type = isBanned ? 'user.banned' : 'user.unbanned'
    if (!this.wanted.has(type)) return
    await this.feeds[0]?.note(type, { userId, ...(reason === undefined ? {} : { reason }) })
    this.wake()
  }

  private watch(feed: Feed): void {
    const note = (type: 'member.entered' | 'member.exited', user: User, roomId: string, reason?: string): void => {
      if (isPersonalRoom(roomId)) return
      const data = { roomId, userId: user.sub, name: user.name, ...(reason === undefined ? {} : { reason }) }
      // What could not be noted is found when rooms are compared.
      feed.note(type, data).then(() => this.wake(), () => undefined) // biome-ignore format: one line
    }
    const { subscribers } = feed.namespace.state
    subscribers.add('enter', (user: User, roomId: string) => note('member.entered', user, roomId))
    subscribers.add('exit', (user: User, roomId: string, reason: string) => note('member.exited', user, roomId, reason))
  }

  private async run(lead: Lead): Promise<void> {
    const { lost } = lead
    const replays = new Set<Promise<void>>()
    lead.answer((question: Question) => {
      if (question.kind === 'status') return this.statusHere()
      for (const feed of this.feeds) {
        if (question.namespace !== undefined && feed.namespace.name !== question.namespace) continue
        const replay = this.sendAgain(feed, question.sinceMs, lost).finally(() => replays.delete(replay))
        replays.add(replay)
      }
      return { started: true }
    })
    await Promise.all(this.feeds.map((feed) => this.serve(feed, lost)))
    await Promise.all(replays)
  }

  /** Never rejects. */
  private async serve(feed: Feed, lost: AbortSignal): Promise<void> {
    const { broker, clock } = this.options.hub.runtime
    const { name } = feed.namespace
    let isBegun = false
    let reconciledAt = Number.NEGATIVE_INFINITY
    const doubts = new Set<string>()
    while (!lost.aborted) {
      try {
        if (!isBegun) {
          await broker.subscribe(name, [{ roomId: OUTBOX, retention: this.options.retention }])
          broker.unsubscribe(name, [OUTBOX])
          await feed.begin()
          isBegun = true
        }
        const batch = await feed.next()
        this.observePending()
        if (batch) {
          if (await this.deliver(feed, batch, lost)) feed.done(batch.upTo)
          continue
        }
        if (this.wanted.ofPresence && clock.monotonic() - reconciledAt > RECONCILE_MS) {
          reconciledAt = clock.monotonic()
          await this.reconcile(feed, doubts)
        }
        await this.pause(LOOK_MS, lost, true)
      } catch (error) {
        // The log is away: it says so itself.
        if (!(error instanceof RoomfulError)) this.notice(`Webhooks of ${name}: ${String(error)}`)
        await this.pause(RETRY_MIN_MS, lost)
      }
    }
  }

  /** Never rejects. @returns (resolves) false when this node leads no more */
  private async deliver(feed: Feed, batch: FeedBatch, lost: AbortSignal): Promise<boolean> {
    let { events } = batch
    if (events.length === 0) return true
    const { name } = feed.namespace
    const { clock, random, observer } = this.options.hub.runtime
    const since = clock.now()
    const begunAt = clock.monotonic()
    for (let attempts = 1; !lost.aborted; attempts++) {
      const startedAt = clock.monotonic()
      const id = idOf(events)
      const outcome = await this.send(id, events, lost)
      if (lost.aborted && !outcome.isTaken) return false
      const durationMs = clock.monotonic() - startedAt
      const isRejected = !outcome.isTaken && outcome.isRefused && events.length === 1 && attempts >= REFUSALS_MAX
      const kind = outcome.isTaken ? 'delivered' : isRejected ? 'rejected' : 'failed'
      observer.observe({ type: 'webhook', outcome: kind, events: events.length, durationMs })
      this.note(name, events, { id, outcome: kind, reason: outcome.isTaken ? '' : outcome.reason, durationMs })
      if (outcome.isTaken) {
        this.delivered += events.length
        this.recovered(name)
        return true
      }
      if (isRejected) {
        this.rejected += 1
        this.failures.delete(name)
        this.notice(
          `The receiver of webhooks refuses event ${events[0]?.id} as not valid (${outcome.reason}); it is left out.`,
        )
        return true
      }
      // One that is not valid must not keep the others out.
      if (outcome.isRefused && events.length > 1) {
        for (const event of events) if (!(await this.deliver(feed, { events: [event], upTo: 0 }, lost))) return false
        return true
      }
      const waitMs = this.backOff(attempts, outcome)
      this.failures.set(name, { reason: outcome.reason, since, attempts, nextAt: clock.now() + waitMs })
      if (clock.monotonic() - begunAt > REPORT_AFTER_MS && !this.isReported) {
        this.isReported = true
        this.notice(
          `Webhooks are not delivered: ${this.options.target.url.host} ${outcome.reason}. They are kept and tried again.`,
        )
      }
      await this.rest(feed, waitMs * (0.8 + 0.4 * random.fraction()), lost)
      const left = await this.leftOf(feed, events, lost)
      if (left === undefined) return false
      if (left.length === 0) {
        this.recovered(name)
        return true
      }
      events = left
    }
    return false
  }

  /** What of a delivery that waited may still be sent. Never rejects. @returns (resolves) nothing when this node leads no more */
  private async leftOf(
    feed: Feed,
    events: readonly WebhookEvent[],
    lost: AbortSignal,
  ): Promise<readonly WebhookEvent[] | undefined> {
    while (!lost.aborted) {
      try {
        return await feed.unredacted(events)
      } catch {
        await this.pause(RETRY_MIN_MS, lost) // the log is away: it says so itself
      }
    }
    return undefined
  }

  private send(id: string, events: readonly WebhookEvent[], lost: AbortSignal): Promise<Outcome> {
    const { target, hub } = this.options
    const { clock } = hub.runtime
    const text = JSON.stringify({ type: 'roomful.events', timestamp: new Date(clock.now()).toISOString(), data: { events } }) // biome-ignore format: one value
    const body = Buffer.from(text) // once: for its length, the signatures and the socket
    return post(target, body, sign(target, id, body, clock.now()), lost)
  }

  private backOff(attempts: number, { retryAfterMs = 0 }: Extract<Outcome, { isTaken: false }>): number {
    const { retryMinMs = RETRY_MIN_MS } = this.options
    const ms = Math.min(RETRY_MAX_MS, retryMinMs * 2 ** Math.min(attempts - 1, 20))
    return Math.max(ms, Math.min(retryAfterMs, RETRY_MAX_MS))
  }

  /** Never rejects. */
  private async sendAgain(feed: Feed, sinceMs: number, lost: AbortSignal): Promise<void> {
    try {
      for await (const batch of feed.again(sinceMs)) if (!(await this.deliver(feed, batch, lost))) return
    } catch (error) {
      this.notice(`Webhooks of ${feed.namespace.name} could not all be sent again: ${String(error)}`)
    }
  }

  /**
   * A server that was killed noted no exits. Where what was sent differs from who is there, twice in a row, the difference is
   * noted.
   */
  private async reconcile(feed: Feed, doubts: Set<string>): Promise<void> {
    const { namespace, occupancy } = feed
    const before = new Set(doubts)
    doubts.clear()
    const { rooms } = await namespace.listRooms({ limit: RECONCILE_ROOMS })
    const roomIds = new Set([...occupancy.roomIds.slice(0, RECONCILE_ROOMS), ...rooms.map(({ roomId }) => roomId)])
    for (const roomId of roomIds) {
      const { users, count } = await namespace.presenceOf(roomId)
      if (users.length < count) continue // more than are listed
      const there = new Map(users.map((user) => [user.userId, user.name]))
      const sent = occupancy.usersOf(roomId)
      const differences = [
        ...[...sent].filter((userId) => !there.has(userId)).map((userId) => ['member.exited', userId] as const),
        ...[...there.keys()].filter((userId) => !sent.has(userId)).map((userId) => ['member.entered', userId] as const),
      ]
      for (const [type, userId] of differences) {
        const doubt = JSON.stringify([type, roomId, userId])
        if (!before.has(doubt)) doubts.add(doubt)
        else if (type === 'member.exited') await feed.note(type, { roomId, userId, reason: 'lost' })
        else await feed.note(type, { roomId, userId, name: there.get(userId) })
      }
    }
  }

  private onLost(rows: number): void {
    const { observer } = this.options.hub.runtime
    this.lost += rows
    observer.observe({ type: 'webhook', outcome: 'lost', events: rows, durationMs: 0 })
    this.notice(
      `${rows} events were removed from the outbox before the receiver of webhooks took them; see ROOMFUL_WEBHOOK_QUEUE.`,
    )
  }

  private recovered(name: string): void {
    this.failures.delete(name)
    if (!this.isReported || this.failures.size > 0) return
    this.isReported = false
    this.notice('Webhooks are delivered again.', false)
  }

  private note(
    namespace: string,
    events: readonly WebhookEvent[],
    more: Pick<Delivery, 'id' | 'outcome' | 'reason' | 'durationMs'>,
  ) {
    const at = this.options.hub.runtime.clock.now()
    const types = [...new Set(events.map(({ type }) => type))]
    this.recent.unshift({ at, namespace, events: events.length, types, ...more })
    this.recent.length = Math.min(this.recent.length, RECENT_MAX)
  }

  private statusHere(): WebhooksStatus {
    const { target } = this.options
    const [failure = null] = [...this.failures.values()].toSorted((a, b) => a.since - b.since)
    const { delivered, lost, rejected, recent } = this
    return {
      url: target.url.origin + target.url.pathname,
      pending: this.pending,
      delivered,
      lost,
      rejected,
      failure,
      recent,
    }
  }

  private get pending(): number {
    return this.feeds.reduce((sum, feed) => sum + feed.pending, 0)
  }

  private observePending(): void {
    const oldest = Math.min(...Array.from(this.failures.values(), ({ since }) => since))
    const lateMs = Number.isFinite(oldest) ? Math.max(0, this.options.hub.runtime.clock.now() - oldest) : 0
    this.options.hub.runtime.observer.observe({ type: 'webhooks:pending', events: this.pending, lateMs })
  }

  private notice(message: string, isRisky = true): void {
    this.options.hub.runtime.observer.observe({ type: 'notice', message, isRisky })
  }

  /** Between two attempts. How many events wait is looked at meanwhile, for metrics and the status. Never rejects. */
  private async rest(feed: Feed, ms: number, lost: AbortSignal): Promise<void> {
    const { clock } = this.options.hub.runtime
    const until = clock.monotonic() + ms
    for (let left = ms; left > 0 && !lost.aborted; left = until - clock.monotonic()) {
      await this.pause(Math.min(left, REFRESH_MS), lost)
      await feed.refresh().catch(() => undefined) // the log is away: it says so itself
      this.observePending()
    }
  }

  private wake(): void {
    for (const wake of this.wakes) wake()
  }

  /** @param isWoken also ends when something was noted here */
  private pause(ms: number, lost: AbortSignal, isWoken = false): Promise<void> {
    if (lost.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        lost.removeEventListener('abort', end)
        this.wakes.delete(end)
        resolve()
      }
      const cancel = this.options.hub.runtime.clock.after(ms, end)
      lost.addEventListener('abort', end, { once: true })
      if (isWoken) this.wakes.add(end)
    })
  }
}

/** The same for the same events, so that a receiver knows a delivery that it has had. */
function idOf(events: readonly WebhookEvent[]): string {
  const ids = events.map(({ id }) => `${id}\n`).join('')
  return `msg_${hash('sha256', ids, 'base64url').slice(0, 27)}`
}
