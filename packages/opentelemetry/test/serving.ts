/** A server that is followed, and the SDK of an application around it. */
import { context, propagation, trace } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { type OpenTelemetryOptions, openTelemetry } from '@roomful/opentelemetry'
import { createRoomful, type Roomful } from '@roomful/server'
import { onTestFinished } from 'vitest'
import WebSocket from 'ws'

export interface Sdk {
  readonly tracerProvider: NodeTracerProvider
  readonly meterProvider: MeterProvider
  /** Exports everything that ended. */
  flush(): Promise<void>
}

/** The official SDK and exporters, which send to a collector. */
export function openSdk(url: string): Sdk {
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, timeoutMillis: 500 })
  const tracerProvider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  tracerProvider.register() // the context of asynchronous work
  const metricExporter = new OTLPMetricExporter({ url: `${url}/v1/metrics`, timeoutMillis: 500 })
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  onTestFinished(async () => {
    await Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown()])
    trace.disable()
    context.disable()
    propagation.disable()
  })
  const flush = async (): Promise<void> => {
    await tracerProvider.forceFlush()
    await meterProvider.forceFlush()
  }
  return { tracerProvider, meterProvider, flush }
}

export async function openServer(
  sdk: Pick<Sdk, 'tracerProvider' | 'meterProvider'> | undefined,
  options: OpenTelemetryOptions = {},
  prepare?: (roomful: Roomful) => void,
): Promise<{ roomful: Roomful; url: string }> {
  const observer = sdk && openTelemetry({ ...sdk, ...options })
  const roomful = createRoomful({ data: ':memory:', ...(observer && { observer }) }).standardNamespaces()
  prepare?.(roomful)
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  return { roomful, url }
}

/** A client that speaks JSON over WebSocket. */
export class JsonClient {
  readonly messages: Record<string, unknown>[] = []
  private readonly socket: WebSocket
  private waiting: (() => void)[] = []

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)))
      for (const wake of this.waiting.splice(0)) wake()
    })
  }

  static async open(url: string, path: string, subprotocols: readonly string[] = []): Promise<JsonClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...subprotocols])
    const client = new JsonClient(socket)
    onTestFinished(() => socket.terminate())
    await client.next(({ type }) => type === 'welcome')
    return client
  }

  send(message: Record<string, unknown>): void {
    this.socket.send(JSON.stringify(message))
  }

  async request(message: Record<string, unknown>): Promise<Record<string, unknown>> {
    this.send(message)
    return this.next(({ type, ack }) => type === 'ack' && ack === message.id)
  }

  async next(isIt: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.messages.find(isIt)
      if (found) return found
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }
}
