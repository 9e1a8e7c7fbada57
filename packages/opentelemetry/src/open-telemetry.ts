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
}: OpenTelemetryOptions = {}): Observer {
  const spans = new Spans(tracerProvider.getTracer(SCOPE), clientTraces)
  let instruments: Instruments | undefined
  return {
    tracer: spans,
    observe(fact) {
      spans.observe(fact)
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
