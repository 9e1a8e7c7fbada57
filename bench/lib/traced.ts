/** Follows requests as an application does: the official SDK and exporter, which send to a collector. */
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node'
import { openTelemetry } from '@roomful/opentelemetry'
import type { Observer } from '@roomful/server'

/**
 * @param ratio of the requests that are followed
 * @param isEarly left out before the SDK is asked, instead of by its sampler
 */
export function traced(ratio: number, collector: string, isEarly: boolean): Observer {
  const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` })
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(isEarly ? 1 : ratio) })
  new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(exporter)] }).register()
  return openTelemetry(isEarly ? { sampleRatio: ratio } : {})
}
