/** A request that one node takes and another delivers is one trace. docs/opentelemetry.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node'
import { openTelemetry } from '@roomful/opentelemetry'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { OtlpReceiver, type ReceivedSpan } from '../../packages/opentelemetry/test/otlp-receiver.ts'
import { JsonClient } from '../../packages/opentelemetry/test/serving.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SAMPLED = `00-${TRACE}-00f067aa0ba902b7-01`
const NOT_SAMPLED = `00-${TRACE}-00f067aa0ba902b7-00`

async function openNodes() {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-traces-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'off' })
  onTestFinished(() => redis.stop())
  const providers: NodeTracerProvider[] = []
  const receivers: OtlpReceiver[] = []
  const open = async (): Promise<string> => {
    const receiver = await OtlpReceiver.open()
    receivers.push(receiver)
    const exporter = new OTLPTraceExporter({ url: `${receiver.url}/v1/traces` })
    const tracerProvider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
    providers.push(tracerProvider)
    onTestFinished(() => tracerProvider.shutdown())
    const jwtSecret = 'the secret that the nodes of this test have in common'
    const roomful = createRoomful({ redisUrl: redis.url, jwtSecret, observer: openTelemetry({ tracerProvider }) })
    roomful.namespace('/shop', undefined, { guests: true, open: true }).on('look', (context, data) => {
      context.toAll('a').emit('looked', data)
    })
    roomful.standardNamespaces()
    onTestFinished(() => roomful.close())
    return (await roomful.listen({ port: 0, host: '127.0.0.1' })).url
  }
  const urls = [await open(), await open()] as const
  /** Of the trace, by node. */
  const spans = async (name: string): Promise<ReceivedSpan[][]> => {
    for (const provider of providers) await provider.forceFlush()
    return receivers.map((receiver) => receiver.named(name).filter(({ traceId }) => traceId === TRACE))
  }
  const enter = async (url: string, path: string, name: string): Promise<JsonClient> => {
    const client = await JsonClient.open(url, `${path}?name=${name}`)
    await client.request({ type: 'room:join', id: 'in', roomId: 'a' })
    return client
  }
  return { urls, spans, enter }
}

it('[D2] follows a stored event through Redis to the members on another node, in one trace', async () => {
  const { urls, spans, enter } = await openNodes()
  const ann = await enter(urls[0], '/ws/public', 'Ann')
  const ben = await enter(urls[1], '/ws/public', 'Ben')
  await ann.request({ type: 'message:send', id: 1, roomId: 'a', content: 'not followed', traceparent: NOT_SAMPLED })
  const plain = await ben.next(({ content }) => content === 'not followed')
  expect(plain).not.toHaveProperty('traceparent')
  await ann.request({ type: 'message:send', id: 2, roomId: 'a', content: 'followed', traceparent: SAMPLED })
  const received = await ben.next(({ content }) => content === 'followed')
  await ann.request({ type: 'message:send', id: 3, roomId: 'a', content: 'not followed either' })
  await ben.next(({ content }) => content === 'not followed either')

  await expect.poll(() => spans('deliver message:new'), { timeout: 10_000 }).toMatchObject([[{}], [{}]])
  const [[request] = [], others] = await spans('/public/message:send')
  expect(others).toEqual([])
  for (const delivery of (await spans('deliver message:new')).flat()) {
    expect(delivery.parentSpanId).toBe(request?.spanId)
    expect(delivery.attributes).toMatchObject({
      'messaging.destination.name': 'a',
      'messaging.message.id': received.id,
      'roomful.connections': 1,
    })
  }
  // Its receivers go on with the same trace, wherever they are connected.
  expect(received.traceparent).toBe(`00-${TRACE}-${request?.spanId}-01`)
  // The trace is no part of what is stored: who comes later reads the event alone.
  const late = await JsonClient.open(urls[1], '/ws/public?name=Cat')
  await late.request({ type: 'room:join', id: 'in', roomId: 'a', after: 0 })
  expect(await late.next(({ content }) => content === 'followed')).not.toHaveProperty('traceparent')
})

it('[D2] follows what no log keeps to another node too', async () => {
  const { urls, spans, enter } = await openNodes()
  const ann = await enter(urls[0], '/ws/shop', 'Ann')
  const ben = await enter(urls[1], '/ws/shop', 'Ben')
  await ann.request({ type: 'look', id: 1, at: 'first', traceparent: NOT_SAMPLED })
  expect(await ben.next(({ at }) => at === 'first')).not.toHaveProperty('traceparent')
  await ann.request({ type: 'look', id: 2, at: 'second', traceparent: SAMPLED })
  const received = await ben.next(({ at }) => at === 'second')
  await expect.poll(() => spans('deliver looked'), { timeout: 10_000 }).toMatchObject([[{}], [{}]])
  const [[request] = []] = await spans('/shop/look')
  for (const { parentSpanId } of (await spans('deliver looked')).flat()) expect(parentSpanId).toBe(request?.spanId)
  expect(received.traceparent).toBe(`00-${TRACE}-${request?.spanId}-01`)
})
