/** A span for each request of a client and each event of the server, with spans for its commit and its deliveries. */
import {
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { isSampledTrace } from '@roomful/protocol'
import type { Tracer as RequestTracer, Trace, TracedDelivery, TracedEvent, TracedRequest } from '@roomful/server'

/** Spans for deliveries of one request; those of further events are left out. */
const DELIVERY_SPANS_MAX = 32
/** Refusals that are a fault of the server; others are answers like any other. */
const FAULTS: ReadonlySet<string> = new Set(['INTERNAL', 'TIMEOUT', 'UNAVAILABLE'])

export interface SpansOptions {
  readonly clientTraces: 'continue' | 'link'
  readonly sampleRatio: number
}

export class Spans implements RequestTracer {
  private readonly tracer: Tracer
  private readonly clientTraces: 'continue' | 'link'
  private readonly sampleRatio: number
  /** When the latest batch of each namespace was committed: its requests are released right after. */
  private readonly committedAt = new Map<string, number>()
  /** Traces that have begun and not ended. */
  private open = 0
  private offset = 0
  private offsetAt = Number.NEGATIVE_INFINITY
  /** By namespace and event. */
  private readonly options = new Map<string, Map<string, RequestOptions>>()

  constructor(tracer: Tracer, { clientTraces, sampleRatio }: SpansOptions) {
    this.tracer = tracer
    this.clientTraces = clientTraces
    this.sampleRatio = sampleRatio
  }

  committed(namespace: string): void {
    if (this.open > 0) this.committedAt.set(namespace, performance.now())
  }

  ended(): void {
    this.open--
  }

  /** With a ratio most requests end here, so nothing may be made of them yet. */
  follows(traceparent: string | undefined, dialect: string | undefined): boolean {
    if (this.sampleRatio >= 1 || Math.random() < this.sampleRatio) return true
    // What is part of a trace that is sampled already is followed with it.
    if (traceparent !== undefined && this.clientTraces === 'continue' && isSampledTrace(traceparent)) return true
    const mayBeInside = dialect === undefined || dialect === 'http'
    return mayBeInside && trace.getSpan(context.active())?.isRecording() === true
  }

  request({ namespace, event, connectionId, userId, dialect, traceparent }: TracedRequest): Trace | undefined {
    const client = traceparent === undefined ? undefined : toSpanContext(traceparent)
    const isLinked = client !== undefined && this.clientTraces === 'link'
    // A WebSocket's messages come in the context of its handshake, which is over; only an HTTP request has its own.
    const around = dialect === 'http' ? context.active() : ROOT_CONTEXT
    const isInside = trace.getSpanContext(around) !== undefined // of an instrumentation of HTTP, which has read the header
    const parent = client === undefined || isLinked || isInside ? around : trace.setSpanContext(around, client)
    const options = this.optionsOf(namespace, event)
    const offset = this.clockOffset()
    options.startTime = offset + performance.now()
    options.links = isLinked ? [{ context: client }] : NO_LINKS
    const span = this.tracer.startSpan(options.name, options, parent)
    if (!span.isRecording()) return undefined
    this.open++
    span.setAttributes({ 'user.id': userId, 'roomful.connection.id': connectionId, 'roomful.dialect': dialect })
    return new SpanTrace(this, span, trace.setSpan(parent, span), { namespace, offset })
  }

  publish({ namespace, event, roomId }: TracedEvent): Trace | undefined {
    const parent = context.active()
    const attributes = { ...messaging('publish', roomId), 'roomful.namespace': namespace }
    const offset = this.clockOffset()
    const options = { startTime: offset + performance.now(), kind: SpanKind.PRODUCER, attributes }
    const span = this.tracer.startSpan(`publish ${event}`, options, parent)
    if (!span.isRecording()) return undefined
    this.open++
    return new SpanTrace(this, span, trace.setSpan(parent, span), { namespace, offset })
  }

  delivering({
    namespace,
    traceparent,
    ...delivery
  }: TracedDelivery & { readonly namespace: string; readonly traceparent: string }): (() => void) | undefined {
    const parent = trace.setSpanContext(ROOT_CONTEXT, toSpanContext(traceparent))
    const offset = this.clockOffset()
    const span = this.deliver(parent, delivery, offset + performance.now())
    if (!span.isRecording()) return undefined
    span.setAttribute('roomful.namespace', namespace)
    return () => span.end(offset + performance.now())
  }

  /** The span of an event that is handed to the members of its room. */
  deliver(parent: Context, { event, roomId, id, connections }: TracedDelivery, startTime: number): Span {
    const span = this.child(parent, `deliver ${event}`, SpanKind.PRODUCER, startTime)
    if (!span.isRecording()) return span
    span.setAttributes(messaging('deliver', roomId))
    if (id !== undefined) span.setAttribute('messaging.message.id', id)
    if (connections !== undefined) span.setAttribute('roomful.connections', connections)
    return span
  }

  /** When the latest batch of a namespace was committed. */
  commitOf(namespace: string): number | undefined {
    return this.committedAt.get(namespace)
  }

  child(parent: Context, name: string, kind: SpanKind, startTime: number): Span {
    return this.tracer.startSpan(name, { kind, startTime }, parent)
  }

  /**
   * From `performance.now()` to milliseconds since 1970: one clock for the spans of a request, whose own are off by up to
   * one. Read again after a second, for the clock may be set.
   */
  private clockOffset(): number {
    const now = performance.now()
    if (now - this.offsetAt > OFFSET_KEPT_MS) {
      this.offsetAt = now
      this.offset = Date.now() - now
    }
    return this.offset
  }

  /** Used for one span after another, since most are not sampled: an SDK copies what it keeps. */
  private optionsOf(namespace: string, event: string): RequestOptions {
    let ofNamespace = this.options.get(namespace)
    if (ofNamespace === undefined) {
      ofNamespace = new Map()
      this.options.set(namespace, ofNamespace)
    }
    let options = ofNamespace.get(event)
    if (options === undefined) {
      const name = methodOf(namespace, event)
      const attributes = { 'rpc.system.name': 'roomful', 'rpc.method': name }
      options = { name, kind: SpanKind.SERVER, attributes, startTime: 0, links: NO_LINKS }
      ofNamespace.set(event, options)
    }
    return options
  }
}

interface RequestOptions extends SpanOptions {
  readonly name: string
  startTime: number
}

const NO_LINKS: Link[] = []
const OFFSET_KEPT_MS = 1_000

interface Of {
  readonly namespace: string
  readonly offset: number
}

class SpanTrace implements Trace {
  readonly traceparent: string
  private readonly spans: Spans
  private readonly span: Span
  private readonly context: Context
  private readonly of: Of
  private submittedAt = 0
  private hasCommit = false
  private readonly deliveries: Span[] = []
  private omitted = 0

  constructor(spans: Spans, span: Span, inside: Context, of: Of) {
    this.spans = spans
    this.span = span
    this.context = inside
    this.of = of
    const { traceId, spanId, traceFlags } = span.spanContext()
    this.traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
  }

  run(work: () => void): void {
    context.with(this.context, work)
  }

  submitted(): void {
    this.submittedAt = performance.now()
  }

  delivering(delivery: TracedDelivery): void {
    if (delivery.id !== undefined) this.recordCommit()
    if (this.deliveries.length === DELIVERY_SPANS_MAX) {
      this.omitted++
      return
    }
    this.deliveries.push(this.spans.deliver(this.context, delivery, this.now()))
  }

  ended(code: string | undefined): void {
    const at = this.now()
    for (const delivery of this.deliveries) delivery.end(at)
    if (this.omitted > 0) this.span.setAttribute('roomful.deliveries.omitted', this.omitted)
    this.span.setAttribute('rpc.status_code', code ?? 'OK')
    if (code !== undefined && FAULTS.has(code)) {
      this.span.setAttribute('error.type', code)
      this.span.setStatus({ code: SpanStatusCode.ERROR })
    }
    this.span.end(at)
    this.spans.ended()
  }

  private now(): number {
    return this.of.offset + performance.now()
  }

  private recordCommit(): void {
    if (this.hasCommit) return
    this.hasCommit = true
    const { namespace, offset } = this.of
    const from = offset + this.submittedAt
    const to = offset + Math.max(this.spans.commitOf(namespace) ?? 0, this.submittedAt)
    this.spans.child(this.context, `commit ${namespace}`, SpanKind.INTERNAL, from).end(to)
  }
}

/** The name of a request in spans and metrics. */
export function methodOf(namespace: string, event: string): string {
  return `${namespace === '/' ? '' : namespace}/${event}`
}

function messaging(operation: 'publish' | 'deliver', roomId: string | undefined): Record<string, string> {
  return {
    'messaging.system.name': 'roomful',
    'messaging.operation.name': operation,
    'messaging.operation.type': 'send',
    ...(roomId !== undefined && { 'messaging.destination.name': roomId }),
  }
}

/** @param traceparent a valid one: version, trace, span and flags */
function toSpanContext(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-')
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true }
}
