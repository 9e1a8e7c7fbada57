import { context, trace } from '@opentelemetry/api'
import { connect } from '@roomful/client'
import { openTelemetry } from '@roomful/opentelemetry'
import { io } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import { OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts'
import { JsonClient, openSdk, openServer } from './serving.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`
const NOT_SAMPLED = `00-${TRACE}-${PARENT}-00`
const [SERVER, PRODUCER, INTERNAL] = [2, 4, 1]

function only(spans: readonly ReceivedSpan[]): ReceivedSpan {
  expect(spans).toHaveLength(1)
  return spans[0] as ReceivedSpan
}

it('follows a request from its client through the commit to the delivery, as a collector decodes it', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk)
  const ann = await JsonClient.open(url, '/ws/public?name=Ann')
  const ben = await JsonClient.open(url, '/ws/public?name=Ben')
  for (const client of [ann, ben]) await client.request({ type: 'room:join', id: 1, roomId: 'lobby' })
  const ack = await ann.request({
    type: 'message:send',
    id: 2,
    roomId: 'lobby',
    content: 'hi',
    traceparent: TRACEPARENT,
  })
  expect(ack).toMatchObject({ data: { status: 'ok' } })
  const delivered = await ben.next(({ type }) => type === 'chat:message')
  await sdk.flush()

  const request = only(receiver.named('/public/message:send'))
  expect(request).toMatchObject({ traceId: TRACE, parentSpanId: PARENT, kind: SERVER, status: 0 })
  expect(request.attributes).toMatchObject({
    'rpc.system.name': 'roomful',
    'rpc.method': '/public/message:send',
    'rpc.status_code': 'OK',
    'roomful.dialect': 'plain',
  })
  const commit = only(receiver.named('commit /public').filter(({ traceId }) => traceId === TRACE))
  expect(commit).toMatchObject({ parentSpanId: request.spanId, kind: INTERNAL })
  const delivery = only(receiver.named('deliver message:new'))
  expect(delivery).toMatchObject({ traceId: TRACE, parentSpanId: request.spanId, kind: PRODUCER })
  expect(delivery.attributes).toMatchObject({
    'messaging.system.name': 'roomful',
    'messaging.destination.name': 'lobby',
    'messaging.message.id': delivered.id,
    'roomful.connections': 2,
  })
  const order = [request, commit, delivery].map(({ startTimeUnixNano }) => BigInt(startTimeUnixNano))
  expect(order).toEqual([...order].sort((a, b) => Number(a - b)))
  const ends = [commit, delivery, request].map(({ endTimeUnixNano }) => BigInt(endTimeUnixNano))
  expect(ends).toEqual([...ends].sort((a, b) => Number(a - b)))
  expect(receiver.scopes).toEqual(new Set(['@roomful/opentelemetry']))
  // Those who receive it go on with the trace; the field is no part of the data.
  expect(delivered.traceparent).toBe(`00-${TRACE}-${request.spanId}-01`)
  expect(delivered).toMatchObject({ content: 'hi', seq: 1 })
})

it('takes and sends the trace in every form of a request over JSON', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk)
  const plain = await JsonClient.open(url, '/ws/public?name=Ann')
  await plain.request({ event: 'room:join', id: 1, data: { roomId: 'lobby' }, traceparent: TRACEPARENT })
  const envelope = await JsonClient.open(url, '/ws', ['roomful.v1'])
  envelope.send({ type: 'open', ch: 1, v: 1, ns: '/public', name: 'Ben' })
  await envelope.next(({ type }) => type === 'opened')
  envelope.send({ ch: 1, event: 'room:join', id: 1, data: { roomId: 'lobby' }, traceparent: TRACEPARENT })
  await envelope.next(({ ack }) => ack === 1)
  envelope.send({
    ch: 1,
    event: 'message:send',
    id: 2,
    data: { roomId: 'lobby', content: 'x' },
    traceparent: TRACEPARENT,
  })
  const event = await envelope.next(({ event }) => event === 'message:new')
  const body = JSON.stringify({ type: 'message:send', roomId: 'lobby', content: 'by HTTP' })
  const answer = await fetch(`${url}/send/public?name=Cat`, {
    method: 'POST',
    body,
    headers: { traceparent: TRACEPARENT },
  })
  expect(answer.status).toBe(200)
  const socketIo = io(`${url}/public`, { auth: { name: 'Dan' }, transports: ['websocket'] })
  onTestFinished(() => void socketIo.close())
  await socketIo.emitWithAck('room:join', { roomId: 'lobby' })
  await sdk.flush()
  const ofJoins = receiver
    .named('/public/room:join')
    .map(({ attributes, traceId }) => [attributes['roomful.dialect'], traceId])
  // Packets of Socket.IO have no place for it.
  expect(ofJoins).toEqual([
    ['plain', TRACE],
    ['v1', TRACE],
    ['socketio', expect.not.stringMatching(TRACE)],
  ])
  const sent = receiver.named('/public/message:send')
  expect(sent.map(({ attributes, traceId }) => [attributes['roomful.dialect'], traceId])).toEqual([
    ['v1', TRACE],
    ['http', TRACE],
  ])
  expect(event.traceparent).toBe(`00-${TRACE}-${receiver.named('/public/message:send')[0]?.spanId}-01`)
})

it.each([
  ['of no hexadecimal digits', `00-${'x'.repeat(32)}-${PARENT}-01`],
  ['of zeros', `00-${'0'.repeat(32)}-${PARENT}-01`],
  ['too short', '00-1-1-01'],
  ['no text', { a: 1 }],
  ['of version ff', `ff-${TRACE}-${PARENT}-01`],
  ['with more than version 00 has', `${TRACEPARENT}-more`],
])('begins a trace of its own for a traceparent %s, and answers as ever', async (_, traceparent) => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk)
  const ann = await JsonClient.open(url, '/ws/public?name=Ann')
  const ack = await ann.request({ type: 'room:join', id: 1, roomId: 'lobby', traceparent })
  expect(ack).toMatchObject({ data: { status: 'ok' } })
  await sdk.flush()
  const request = only(receiver.named('/public/room:join'))
  expect(request.traceId).not.toBe(TRACE)
  expect(request.parentSpanId).toBe('')
})

it('names a refusal, and marks as an error only what is the fault of the server', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk, {}, (roomful) => {
    roomful.namespace('/orders', undefined, { guests: true }).on('fail', () => {
      throw new Error('a bug')
    })
  })
  const ann = await JsonClient.open(url, '/ws/orders?name=Ann')
  await ann.request({ type: 'fail', id: 1 })
  await ann.request({ type: 'made-up-name', id: 2 })
  await sdk.flush()
  const failed = only(receiver.named('/orders/fail'))
  expect([failed.status, failed.attributes['rpc.status_code'], failed.attributes['error.type']]).toEqual([
    2,
    'INTERNAL',
    'INTERNAL',
  ])
  const unknown = only(receiver.named('/orders/unknown'))
  expect([unknown.status, unknown.attributes['rpc.status_code']]).toEqual([0, 'UNKNOWN_EVENT'])
})

it('puts what a handler does, and what the server publishes, into their traces', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const mine = sdk.tracerProvider.getTracer('application')
  const { roomful, url } = await openServer(sdk, {}, (server) => {
    server.namespace('/orders', undefined, { guests: true }).on('buy', async () => {
      await Promise.resolve()
      mine.startSpan('charge').end()
    })
  })
  const ann = await JsonClient.open(url, '/ws/orders?name=Ann')
  await ann.request({ type: 'buy', id: 1, traceparent: TRACEPARENT })
  await ann.request({ type: 'room:join', id: 2, roomId: 'shop' })
  const job = mine.startSpan('nightly job')
  await context.with(trace.setSpan(context.active(), job), () =>
    roomful.get('/orders').publish('shop', 'sale', [{ off: 5 }]),
  )
  job.end()
  const sale = await ann.next(({ type }) => type === 'sale')
  await sdk.flush()
  expect(only(receiver.named('charge')).parentSpanId).toBe(only(receiver.named('/orders/buy')).spanId)
  const publish = only(receiver.named('publish sale'))
  expect(publish.parentSpanId).toBe(job.spanContext().spanId)
  expect(sale.traceparent).toBe(`00-${publish.traceId}-${publish.spanId}-01`)
  expect(only(receiver.named('deliver sale')).parentSpanId).toBe(publish.spanId)
})

it('links the traces of clients that are not trusted', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk, { clientTraces: 'link' })
  const ann = await JsonClient.open(url, '/ws/public?name=Ann')
  await ann.request({ type: 'room:join', id: 1, roomId: 'lobby', traceparent: TRACEPARENT })
  await sdk.flush()
  const request = only(receiver.named('/public/room:join'))
  expect(request).toMatchObject({ parentSpanId: '', links: [TRACE] })
  expect(request.traceId).not.toBe(TRACE)
})

it('exports metrics by semantic conventions, in seconds and with buckets for them', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk)
  const ann = await JsonClient.open(url, '/ws/public?name=Ann')
  await ann.request({ type: 'room:join', id: 1, roomId: 'lobby' })
  await ann.request({ type: 'message:send', id: 2, roomId: 'lobby', content: 'hi' })
  await ann.request({ type: 'no-such-event', id: 3 })
  await sdk.flush()
  const calls = receiver.metrics.get('rpc.server.call.duration')
  expect(calls?.unit).toBe('s')
  const byMethod = new Map(calls?.points.map((point) => [point.attributes['rpc.method'], point]))
  expect([...byMethod.keys()].sort()).toEqual(['/public/message:send', '/public/room:join', '/public/unknown'])
  expect(byMethod.get('/public/unknown')?.attributes['error.type']).toBe('UNKNOWN_EVENT')
  const sent = byMethod.get('/public/message:send')
  expect(sent?.count).toBe(1)
  expect(sent?.sum).toBeLessThan(5)
  expect(sent?.bounds).toContain(0.001)
  expect(receiver.metrics.get('roomful.events.stored')?.points[0]?.value).toBe(1)
  expect(receiver.metrics.get('roomful.connections')?.points[0]?.value).toBe(1)
  expect(receiver.metrics.get('roomful.deliveries')?.points[0]?.value).toBeGreaterThan(0)
})

it('serves on while the collector is away', async () => {
  const sdk = openSdk('http://127.0.0.1:1')
  const { url } = await openServer(sdk, {}, (roomful) => {
    roomful.namespace('/orders', undefined, { guests: true }).on('buy', () => ({ status: 'ok' }))
  })
  const ann = await JsonClient.open(url, '/ws/orders?name=Ann')
  const buyAll = async (from: number, to: number): Promise<void> => {
    for (let id = from; id < to; id++) {
      expect(await ann.request({ type: 'buy', id })).toMatchObject({ data: { status: 'ok' } })
    }
  }
  await buyAll(0, 8) // within the rate of a client
  await expect(sdk.tracerProvider.forceFlush()).rejects.toThrow()
  await Promise.allSettled([sdk.meterProvider.forceFlush()])
  await buyAll(8, 10)
})

it('says once that no SDK is registered', async () => {
  const warnings: string[] = []
  const note = (warning: Error): void => void warnings.push(warning.message)
  process.on('warning', note)
  try {
    const { openTelemetry } = await import('@roomful/opentelemetry')
    const { createRoomful } = await import('@roomful/server')
    const roomful = createRoomful({ data: ':memory:', observer: openTelemetry() }).standardNamespaces()
    const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
    const ann = await JsonClient.open(url, '/ws/public?name=Ann')
    expect(await ann.request({ type: 'room:join', id: 1, roomId: 'lobby' })).toMatchObject({ data: { status: 'ok' } })
    await roomful.close()
  } finally {
    process.off('warning', note)
  }
  expect(warnings.filter((text) => text.startsWith('No OpenTelemetry SDK is registered'))).toHaveLength(1)
})

it('continues the trace of an application that uses the SDK', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  const { url } = await openServer(sdk)
  let traceparent: string | undefined = TRACEPARENT
  const client = connect(url.replace('http', 'ws'), {
    namespace: '/public',
    name: 'Ann',
    traceparent: () => traceparent,
  })
  onTestFinished(() => client.close())
  await client.request('room:join', { roomId: 'lobby' })
  traceparent = undefined
  await client.request('room:join', { roomId: 'other' })
  await sdk.flush()
  const [first, second] = receiver.named('/public/room:join')
  expect(first).toMatchObject({ traceId: TRACE, parentSpanId: PARENT })
  expect(second?.parentSpanId).toBe('')
})

it('leaves out what the ratio leaves out before the SDK is asked, but nothing of a sampled trace', async () => {
  const receiver = await OtlpReceiver.open()
  const sdk = openSdk(receiver.url)
  let asked = 0
  const tracerProvider = {
    getTracer: (name: string) => {
      const tracer = sdk.tracerProvider.getTracer(name)
      return {
        startSpan: (...given: Parameters<typeof tracer.startSpan>) => {
          asked++
          return tracer.startSpan(...given)
        },
        startActiveSpan: tracer.startActiveSpan.bind(tracer),
      }
    },
  }
  const { url, roomful } = await openServer({ ...sdk, tracerProvider } as never, { sampleRatio: 0 })
  const ann = await JsonClient.open(url, '/ws/public?name=Ann')
  await ann.request({ type: 'room:join', id: 1, roomId: 'lobby' })
  await ann.request({ type: 'message:send', id: 2, roomId: 'lobby', content: 'a', traceparent: NOT_SAMPLED })
  await roomful.get('/public').publish('lobby', 'news', [1])
  expect(asked).toBe(0)

  await ann.request({ type: 'message:send', id: 3, roomId: 'lobby', content: 'b', traceparent: TRACEPARENT })
  const mine = sdk.tracerProvider.getTracer('application')
  await mine.startActiveSpan('mine', async (span) => {
    await roomful.get('/public').publish('lobby', 'news', [2])
    span.end()
  })
  await sdk.flush()
  expect(only(receiver.named('/public/message:send')).traceId).toBe(TRACE)
  expect(only(receiver.named('publish news')).parentSpanId).toBe(only(receiver.named('mine')).spanId)
})

it.each([-0.1, 1.1, Number.NaN])('refuses the ratio %s', (sampleRatio) => {
  expect(() => openTelemetry({ sampleRatio })).toThrow('sampleRatio is a number from 0 to 1')
})
