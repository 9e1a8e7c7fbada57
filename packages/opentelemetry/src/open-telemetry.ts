/** What a server observes, as spans and metrics of OpenTelemetry. */
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api'
import type { Observer } from '@roomful/server'
import { Instruments } from './instruments.ts'
import { Spans } from './spans.ts'

/** The name of the instrumentation scope. */
const SCOPE = '@roomful/opentelemetry'

/** All of it may be left out. */
export interface OpenTelemetryOptions {
  /** Default: the global one, which the SDK of the application registers. */
  readonly tracerProvider?: TracerProvider
  /** Default: the global one. */
  readonly meterProvider?: MeterProvider
  /**
   * What a `traceparent` of a client means. `continue`: the request is part of the client's trace, and sampled as the client
   * says. `link`: it begins a trace of its own, which names the client's: for clients that you do not trust. Default:
   * `continue`.
   */
  readonly clientTraces?: 'continue' | 'link'
  /**
   * Which part of the requests and published events is followed at all, from 0 to 1. The others make no span, whatever the
   * SDK's sampler would say, and cost next to nothing; what belongs to a trace that is sampled already is always followed.
   * Default: 1, which leaves it to the SDK's sampler.
   */
  readonly sampleRatio?: number
}

/**
 * An observer that makes spans of requests, commits and deliveries, and metrics. It needs an SDK of OpenTelemetry, which the
 * application registers; without one it warns once and records nothing.
 * @example
 * import { openTelemetry } from '@roomful/opentelemetry'
 * const roomful = createRoomful({ observer: openTelemetry() })
 */
export function openTelemetry({
  tracerProvider = trace.getTracerProvider(),
  meterProvider,
  clientTraces = 'continue',
  sampleRatio = 1,
}: OpenTelemetryOptions = {}): Observer {
  if (!(sampleRatio >= 0 && sampleRatio <= 1)) {
    throw new RangeError(`openTelemetry: sampleRatio is a number from 0 to 1, not ${String(sampleRatio)}`)
  }
  const spans = new Spans(tracerProvider.getTracer(SCOPE), { clientTraces, sampleRatio })
  let instruments: Instruments | undefined
  return {
    tracer: spans,
    observe(fact) {
      if (fact.type === 'commit') spans.committed(fact.namespace)
      if (instruments === undefined) {
        if (fact.type === 'notice') return // an SDK may be registered until the server starts
        if (meterProvider === undefined) warnUnlessRegistered(tracerProvider)
        instruments = new Instruments((meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE))
      }
      instruments.observe(fact)
    },
  }
}

/** The commonest mistake is silent otherwise: the SDK is registered with another copy of the API, or not at all. */
function warnUnlessRegistered(provider: TracerProvider): void {
  const { getDelegate } = provider as { getDelegate?: () => object }
  if (getDelegate?.call(provider).constructor.name !== 'NoopTracerProvider') return
  process.emitWarning(
    'No OpenTelemetry SDK is registered, so Roomful records nothing. Register one before the server starts, with the same ' +
      'copy of @opentelemetry/api (npm ls @opentelemetry/api).',
    { code: 'ROOMFUL_OPENTELEMETRY' },
  )
}
