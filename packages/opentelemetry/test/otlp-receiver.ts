/** A collector: takes what the official exporters send over HTTP, and decodes it with the official protobuf definitions. */
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { onTestFinished } from 'vitest'

interface KeyValue {
  key: string
  value: { stringValue?: string; intValue?: number; doubleValue?: number }
}

export interface ReceivedSpan {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: number
  links: string[]
  attributes: Record<string, string | number>
}

export interface ReceivedMetric {
  name: string
  unit: string
  points: {
    attributes: Record<string, string | number>
    value: number | undefined
    count: number | undefined
    sum: number | undefined
    bounds: number[]
    counts: number[]
  }[]
}

const definitions = createRequire(import.meta.url)('otlp-definitions/build/src/generated/root.js')
const { trace, metrics } = definitions.opentelemetry.proto.collector

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  readonly metrics = new Map<string, ReceivedMetric>()
  /** Of the instrumentation. */
  readonly scopes = new Set<string>()
  url = ''

  static async open(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver()
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = Buffer.concat(chunks)
      if (request.url === '/v1/traces') receiver.takeSpans(trace.v1.ExportTraceServiceRequest, body)
      else receiver.takeMetrics(metrics.v1.ExportMetricsServiceRequest, body)
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    receiver.url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
    return receiver
  }

  named(name: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.name === name)
  }

  // biome-ignore lint/suspicious/noExplicitAny: generated code, whose types are of another version of protobufjs
  private takeSpans(type: any, body: Buffer): void {
    for (const { scopeSpans } of type.toObject(type.decode(body), { longs: String, bytes: String }).resourceSpans) {
      for (const { scope, spans } of scopeSpans) {
        this.scopes.add(scope.name)
        for (const span of spans) {
          this.spans.push({
            name: span.name,
            kind: span.kind,
            traceId: hex(span.traceId),
            spanId: hex(span.spanId),
            parentSpanId: hex(span.parentSpanId ?? ''),
            startTimeUnixNano: span.startTimeUnixNano,
            endTimeUnixNano: span.endTimeUnixNano,
            status: span.status?.code ?? 0,
            links: (span.links ?? []).map((link: { traceId: string }) => hex(link.traceId)),
            attributes: toRecord(span.attributes),
          })
        }
      }
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: as above
  private takeMetrics(type: any, body: Buffer): void {
    for (const { scopeMetrics } of type.toObject(type.decode(body), { longs: Number }).resourceMetrics) {
      for (const { metrics: list } of scopeMetrics) {
        for (const { name, unit, ...kinds } of list) {
          const { dataPoints = [] } = kinds.sum ?? kinds.gauge ?? kinds.histogram ?? {}
          this.metrics.set(name, {
            name,
            unit,
            points: dataPoints.map((point: Record<string, never>) => ({
              attributes: toRecord(point.attributes),
              value: point.asDouble ?? point.asInt,
              count: point.count,
              sum: point.sum,
              bounds: point.explicitBounds ?? [],
              counts: point.bucketCounts ?? [],
            })),
          })
        }
      }
    }
  }
}

function toRecord(attributes: readonly KeyValue[] = []): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue ?? value.doubleValue)]),
  )
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex')
}
