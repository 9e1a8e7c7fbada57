/** Metrics. What is counted often costs one addition, and is read when it is exported. */
import type { Attributes, Histogram, Meter } from '@opentelemetry/api'
import { ERROR_CODES } from '@roomful/protocol'
import type { Fact } from '@roomful/server'
import { methodOf } from './spans.ts'

/** Seconds. The default ones are made for milliseconds, and would put everything in the first. */
const BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export class Instruments {
  private readonly calls: Histogram
  private readonly commits: Histogram
  private readonly webhooks: Histogram
  private readonly stored: Tally
  private readonly deliveries: Tally
  private readonly connections: Tally
  private readonly refused: Tally
  private readonly dropped: Tally
  private readonly commitFailures: Tally
  private readonly handlerFailures: Tally
  private webhooksPending = 0
  /** By method and code: making them for each request would cost more than the rest. */
  private readonly attributes = new Map<string, Map<string, ByOutcome>>()

  constructor(meter: Meter) {
    const seconds = (name: string, description: string): Histogram =>
      meter.createHistogram(name, { description, unit: 's', advice: { explicitBucketBoundaries: BUCKETS_SECONDS } })
    const tally = (name: string, unit: string, description: string, attribute?: string): Tally =>
      new Tally(meter, { name, unit, description, attribute })
    this.calls = seconds('rpc.server.call.duration', 'From the arrival of a request to its acknowledgement.')
    this.commits = seconds('roomful.commit.duration', 'Storing the events of a turn.')
    this.webhooks = seconds('roomful.webhook.duration', 'Attempts to deliver webhooks.')
    this.stored = tally('roomful.events.stored', '{event}', 'Durable events that were stored.')
    this.deliveries = tally('roomful.deliveries', '{event}', 'Events handed to a connection.')
    this.connections = tally('roomful.connections', '{connection}', 'Connections that are open.')
    this.refused = tally(
      'roomful.connections.refused',
      '{connection}',
      'Connections that were not let in.',
      'error.type',
    )
    this.dropped = tally('roomful.dropped', '{event}', 'Volatile events that a slow client did not get.')
    this.commitFailures = tally('roomful.commit.failures', '{turn}', 'Turns whose events could not be stored.')
    this.handlerFailures = tally('roomful.handler.failures', '{request}', 'Handlers that failed or were late.')
    meter
      .createObservableUpDownCounter('roomful.webhooks.pending', {
        unit: '{event}',
        description: 'Events that the receiver has not taken, on the node that delivers.',
      })
      .addCallback((result) => result.observe(this.webhooksPending))
  }

  observe(fact: Fact): void {
    switch (fact.type) {
      case 'request':
        return this.calls.record(fact.durationMs / 1000, this.attributesOf(fact.namespace, fact.event, fact.code))
      case 'commit':
        this.commits.record(fact.durationMs / 1000)
        return this.stored.add(fact.appended)
      case 'fan-out':
        return this.deliveries.add(fact.deliveries)
      case 'connection:opened':
        return this.connections.add(1)
      case 'connection:closed':
        return this.connections.add(-1)
      case 'connection:refused':
        return this.refused.add(1, known(fact.code))
      case 'dropped':
        return this.dropped.add(fact.count)
      case 'commit:failed':
        return this.commitFailures.add(1)
      case 'handler:failed':
        return this.handlerFailures.add(1)
      case 'webhook':
        if (fact.outcome !== 'lost') this.webhooks.record(fact.durationMs / 1000)
        return
      case 'webhooks:pending':
        this.webhooksPending = fact.events
        return
      default: // in `GET /metrics` and the log
    }
  }

  private attributesOf(namespace: string, event: string, code: string | undefined): Attributes {
    let ofNamespace = this.attributes.get(namespace)
    if (ofNamespace === undefined) {
      ofNamespace = new Map()
      this.attributes.set(namespace, ofNamespace)
    }
    let ofEvent = ofNamespace.get(event)
    if (ofEvent === undefined) {
      ofEvent = { ok: { 'rpc.system.name': 'roomful', 'rpc.method': methodOf(namespace, event) }, failed: new Map() }
      ofNamespace.set(event, ofEvent)
    }
    if (code === undefined) return ofEvent.ok
    const outcome = known(code)
    let attributes = ofEvent.failed.get(outcome)
    if (attributes === undefined) {
      attributes = { ...ofEvent.ok, 'error.type': outcome }
      ofEvent.failed.set(outcome, attributes)
    }
    return attributes
  }
}

interface ByOutcome {
  readonly ok: Attributes
  readonly failed: Map<string, Attributes>
}

/** Applications define codes too; as attributes they would be unbounded. */
function known(code: string): string {
  return Object.hasOwn(ERROR_CODES, code) ? code : '_OTHER'
}

class Tally {
  private total = 0
  private readonly counts = new Map<string, number>()

  constructor(
    meter: Meter,
    {
      name,
      unit,
      description,
      attribute,
    }: { name: string; unit: string; description: string; attribute?: string | undefined },
  ) {
    // What is open goes down too.
    const counter =
      name === 'roomful.connections'
        ? meter.createObservableUpDownCounter(name, { unit, description })
        : meter.createObservableCounter(name, { unit, description })
    counter.addCallback((result) => {
      if (attribute === undefined) return result.observe(this.total)
      for (const [value, count] of this.counts) result.observe(count, { [attribute]: value })
    })
  }

  add(count: number, value?: string): void {
    if (value === undefined) this.total += count
    else this.counts.set(value, (this.counts.get(value) ?? 0) + count)
  }
}
