/**
 * Prometheus metrics, where prom-client is installed. Label values come from catalogues and are otherwise `other`, so that
 * values which clients choose create no series. Open connections are those opened minus those closed.
 */
import { createRequire } from 'node:module'
import { CLOSE_CODES, ERROR_CODES } from '@roomful/protocol'
import type { Gauge, Metric, Registry } from 'prom-client'
import type { Fact, Observer } from '../../core/ports/observer.ts'

/** From 0.1 ms to 10 s. */
const BUCKETS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
const KNOWN_CLOSE_CODES = new Set<number>(Object.values(CLOSE_CODES).map(({ code }) => code))

type PromClient = typeof import('prom-client')

/** @returns undefined where prom-client, an optional peer, is not installed. Loaded at once: facts are counted from the first. */
export function openMetrics(): Metrics | undefined {
  try {
    return new Metrics(createRequire(import.meta.url)('prom-client') as PromClient)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/** Counts facts. */
export class Metrics implements Observer {
  private readonly prom: PromClient
  private readonly registry: Registry
  private readonly tallies: ReturnType<typeof createTallies>
  private readonly requestSeconds: Durations
  private readonly commitSeconds: Durations
  private readonly webhookSeconds: Durations
  private readonly webhooksPending: Gauge
  private readonly webhooksLate: Gauge
  private hasProcessMetrics = false

  constructor(prom: PromClient) {
    this.prom = prom
    this.registry = new prom.Registry()
    this.tallies = createTallies(prom, this.registry)
    this.requestSeconds = new Durations(
      this.registry,
      'roomful_request_seconds',
      'From the arrival of a request to the end of its handler.',
    )
    this.commitSeconds = new Durations(this.registry, 'roomful_commit_seconds', 'Storing the events of a turn.')
    this.webhookSeconds = new Durations(this.registry, 'roomful_webhook_seconds', 'Attempts to deliver webhooks.')
    const gauge = (name: string, help: string): Gauge => new prom.Gauge({ name, help, registers: [this.registry] })
    this.webhooksPending = gauge(
      'roomful_webhooks_pending',
      'Rows of outboxes that the receiver has not taken, on the node that delivers.',
    )
    this.webhooksLate = gauge(
      'roomful_webhooks_late_seconds',
      'For how long the receiver of webhooks has taken nothing; 0 while it does.',
    )
  }

  get contentType(): string {
    return this.registry.contentType
  }

  /** The body of `GET /metrics`. Metrics of the process are collected from the first call on. */
  async text(): Promise<string> {
    if (!this.hasProcessMetrics) this.prom.collectDefaultMetrics({ register: this.registry })
    this.hasProcessMetrics = true
    return this.registry.metrics()
  }

  observe(fact: Fact): void {
    const { tallies } = this
    switch (fact.type) {
      case 'request':
        this.requestSeconds.observe(fact.durationMs / 1000)
        return tallies.requests.add(1, fact.code === undefined ? 'ok' : known(fact.code))
      case 'commit':
        this.commitSeconds.observe(fact.durationMs / 1000)
        return tallies.stored.add(fact.appended)
      case 'fan-out':
        tallies.encoded.add(fact.encoded)
        return tallies.deliveries.add(fact.deliveries)
      case 'deflated':
        tallies.deflated.add(fact.plainBytes, 'plain')
        return tallies.deflated.add(fact.bytes, 'compressed')
      case 'link:opened':
        return tallies.linksOpened.add(1, fact.dialect)
      case 'link:closed':
        return tallies.linksClosed.add(1, KNOWN_CLOSE_CODES.has(fact.code) ? String(fact.code) : 'other')
      case 'link:refused':
        return tallies.linksRefused.add(1, known(fact.code))
      case 'page:refused':
        return tallies.pagesRefused.add(1, fact.reason)
      case 'connection:opened':
        return tallies.connectionsOpened.add()
      case 'connection:closed':
        return tallies.connectionsClosed.add()
      case 'connection:refused':
        return tallies.connectionsRefused.add(1, known(fact.code))
      case 'auth:failed':
        return tallies.authFailures.add(1, known(fact.code))
      case 'handler:failed':
        return tallies.handlerFailures.add()
      case 'commit:failed':
        return tallies.commitFailures.add()
      case 'dropped':
        return tallies.dropped.add(fact.count, fact.what)
      case 'behind':
        return tallies.behind.add()
      case 'lag':
        return tallies.lags.add()
      case 'caught-up':
        return tallies.caughtUpEvents.add(fact.events)
      case 'catch-up:failed':
        return tallies.catchUpFailures.add()
      case 'rate-limited':
        return tallies.rateLimited.add(1, fact.scope)
      case 'made-room':
        return tallies.madeRoom.add(fact.events)
      case 'quota-refused':
        return tallies.quotaRefusals.add(1, fact.what)
      case 'forwarded':
        return tallies.forwarded.add(1, fact.ok ? fact.what : 'gone')
      case 'lead':
        return tallies.leads.add(1, fact.what)
      case 'lead:failed':
        return tallies.leads.add(1, 'failed')
      case 'webhook':
        if (fact.outcome !== 'lost') this.webhookSeconds.observe(fact.durationMs / 1000)
        return tallies.webhookEvents.add(fact.events, fact.outcome)
      case 'webhooks:pending':
        this.webhooksPending.set(fact.events)
        return this.webhooksLate.set(fact.lateMs / 1000)
      case 'drain':
      case 'notice':
      case 'room:joined':
      case 'room:left':
        return
      default:
        return fact satisfies never
    }
  }
}

function createTallies(prom: PromClient, registry: Registry) {
  const tally = (name: string, help: string, label?: string): Tally =>
    new Tally(prom, registry, `roomful_${name}_total`, help, label)
  return {
    requests: tally('requests', 'Requests of clients, by what came of them.', 'outcome'),
    stored: tally('events_stored', 'Durable events that were stored.'),
    madeRoom: tally(
      'events_removed_for_space',
      'Stored events that went, or were emptied, because there were too many bytes.',
    ),
    deliveries: tally('deliveries', 'Events handed to a connection.'),
    encoded: tally('events_encoded', 'Times that an event was encoded: once per form, whatever the number of members.'),
    deflated: tally(
      'deflated_bytes',
      'Payload of messages that were compressed, before and after, counted once whatever the number of clients.',
      'form',
    ),
    linksOpened: tally('links_opened', 'Transports that opened, by the dialect that they began with.', 'dialect'),
    linksClosed: tally('links_closed', 'Transports that closed, by close code.', 'code'),
    linksRefused: tally('links_refused', 'Transports that were refused.', 'code'),
    pagesRefused: tally('pages_refused', 'Requests of web pages that may not talk to this server.', 'reason'),
    connectionsOpened: tally('connections_opened', 'Connections that became open, with a user.'),
    connectionsClosed: tally('connections_closed', 'Connections that had been open and closed.'),
    connectionsRefused: tally('connections_refused', 'Connections that were not let into a namespace.', 'code'),
    authFailures: tally('auth_failures', 'Credentials that were refused.', 'code'),
    handlerFailures: tally('handler_failures', 'Handlers that threw what is no refusal, or did not answer in time.'),
    commitFailures: tally('commit_failures', 'Turns whose events could not be stored.'),
    dropped: tally(
      'dropped',
      'Volatile events that a slow link did not get, and what came for a namespace that its client had left.',
      'what',
    ),
    behind: tally('behind', 'Times that a connection began to read from the log instead of being pushed to.'),
    lags: tally('lags', 'Times that a member who asked for the latest events only was sent how far behind it was.'),
    caughtUpEvents: tally('caught_up_events', 'Events that were read from the log for connections behind.'),
    catchUpFailures: tally('catch_up_failures', 'Times that reading from the log failed.'),
    quotaRefusals: tally(
      'quota_refusals',
      'Documents that could not be made or grow, by what there was too much of.',
      'what',
    ),
    forwarded: tally('forwarded', 'Requests for sessions of other nodes, and those whose node was gone.', 'what'),
    leads: tally(
      'leads',
      'Times that this node began or ended what runs once, that it failed, or was refused.',
      'what',
    ),
    webhookEvents: tally('webhook_events', 'Events for the backend, by what became of each attempt.', 'outcome'),
    rateLimited: tally('rate_limited', 'Requests over a rate.', 'scope'),
  }
}

/** Applications define codes too; as label values they would be unbounded. */
function known(code: string): string {
  return Object.hasOwn(ERROR_CODES, code) ? code : 'other'
}

/**
 * A Prometheus counter that costs one addition per fact. prom-client hashes labels on every increment, which would cost too
 * much for hundreds of thousands of facts a second; so that is done at the scrape.
 */
class Tally {
  private total = 0
  private readonly counts = new Map<string, number>()

  /** @param label the name of the only label, which must have few values */
  constructor(prom: PromClient, registry: Registry, name: string, help: string, label?: string) {
    const read = (): Iterable<[string, number]> => (label === undefined ? [['', this.total]] : this.counts)
    new prom.Counter({
      name,
      help,
      labelNames: label === undefined ? [] : [label],
      registers: [registry],
      collect() {
        this.reset()
        for (const [value, count] of read()) {
          if (label === undefined) this.inc(count)
          else this.inc({ [label]: value }, count)
        }
      },
    })
  }

  add(count = 1, value?: string): void {
    if (value === undefined) this.total += count
    else this.counts.set(value, (this.counts.get(value) ?? 0) + count)
  }
}

/** A Prometheus histogram without labels that costs one addition per fact, for the same reason. */
class Durations {
  /** Per bucket; the last one is for what is above all of them. */
  private readonly counts = new Float64Array(BUCKETS_SECONDS.length + 1)
  private sum = 0

  constructor(registry: Registry, name: string, help: string) {
    const metric = { name, help, type: 'histogram', aggregator: 'sum' }
    // The registry asks a metric for its name and for what `get` resolves to, and for nothing else.
    registry.registerMetric({
      ...metric,
      get: async () => ({ ...metric, values: this.values(name) }),
    } as unknown as Metric)
  }

  observe(seconds: number): void {
    let at = 0
    while (at < BUCKETS_SECONDS.length && seconds > (BUCKETS_SECONDS[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + 1
    this.sum += seconds
  }

  /** Buckets count everything up to their bound. */
  private values(name: string) {
    let count = 0
    const buckets = Array.from(this.counts, (inBucket, at) => {
      count += inBucket
      return { value: count, metricName: `${name}_bucket`, labels: { le: BUCKETS_SECONDS[at] ?? '+Inf' } }
    })
    return [
      ...buckets,
      { value: this.sum, metricName: `${name}_sum`, labels: {} },
      { value: count, metricName: `${name}_count`, labels: {} },
    ]
  }
}
