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

/** @param ratio of the requests that are followed */
export function traced(ratio: number, collector: string): Observer {
  const exporter = new OTLPTraceExporter({ url: `${collector}/v1/traces` })
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) })
  new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(exporter)] }).register()
  return openTelemetry()
}
