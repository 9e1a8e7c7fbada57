/** Bytes are bytes, whatever holds them: every view of a buffer, in events, requests and answers, by every transport. */
import { Readable } from 'node:stream'
import { fromJson, toJson } from '@roomful/protocol'
import { ackArgs, type Context, type Roomful } from '@roomful/server'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { client, next, serve, type Way } from './serve.ts'

/** Lies in the middle of a larger memory, as Node's small buffers do. */
function within(bytes: readonly number[]): ArrayBuffer {
  const memory = new Uint8Array(bytes.length + 16).fill(0xee)
  memory.set(bytes, 8)
  return memory.buffer
}
const BYTES = [1, 0, 2, 0, 3, 0, 4, 0]
const VIEWS = {
  Int16Array: () => new Int16Array(within(BYTES), 8, 4),
  Float32Array: () => new Float32Array(within(BYTES), 8, 2),
  BigUint64Array: () => new BigUint64Array(within(BYTES), 8, 1),
  DataView: () => new DataView(within(BYTES), 8, 8),
  Buffer: () => Buffer.from(within(BYTES), 8, 8),
  ArrayBuffer: () => Uint8Array.from(BYTES).buffer,
}
type ViewName = keyof typeof VIEWS
const names = Object.keys(VIEWS) as ViewName[]

function declare(roomful: Roomful): void {
  const data = roomful.namespace('/data', undefined, { guests: true })
  data.on('view', (context: Context, name: ViewName) => {
    context.emit('viewed', VIEWS[name]())
    context.emit('field', { deep: [VIEWS[name]()] })
    context.append('log', 'kept', VIEWS[name]())
    return VIEWS[name]()
  })
  data.on('two', (_context: Context, name: ViewName) => ackArgs(name, VIEWS[name]()))
  data.on('mirror', (_context: Context, value: unknown) => value)
  data.on('ask', (context: Context, name: ViewName) => context.connection.call('asked', VIEWS[name]()))
  data.on('reused', (context: Context) => {
    const own = Uint8Array.from(BYTES)
    context.emit('viewed', own)
    own.fill(0)
  })
}

const plain = (value: unknown): number[] => {
  expect(value).toSatisfy((given: unknown) => given instanceof Uint8Array || given instanceof ArrayBuffer)
  return [...new Uint8Array(value as ArrayBuffer)]
}

describe.each(['websocket', 'polling'] satisfies Way[])('bytes over Socket.IO, %s', (way) => {
  it.each(names)('[J5] %s arrives as its bytes, in events and answers, both ways', async (name) => {
    const { url } = await serve({}, declare)
    const socket = client(`${url}/data`, way)
    await next(socket, 'connect')
    await socket.emitWithAck('room:join', 'log')
    const heard = [next(socket, 'viewed'), next(socket, 'field'), next(socket, 'kept')]
    expect(plain(await socket.emitWithAck('view', name))).toEqual(BYTES)
    const [viewed, field, kept] = await Promise.all(heard)
    expect(plain(viewed?.[0])).toEqual(BYTES)
    expect(plain((field as [{ deep: unknown[] }])[0].deep[0])).toEqual(BYTES)
    expect(plain(kept?.[0])).toEqual(BYTES)
    const two = new Promise<unknown[]>((resolve) => socket.emit('two', name, (...got: unknown[]) => resolve(got)))
    const [first, second] = await two
    expect([first, plain(second)]).toEqual([name, BYTES])
    expect(plain(await socket.emitWithAck('mirror', VIEWS[name]()))).toEqual(BYTES)
    socket.on('asked', (given: unknown, answer: (value: unknown) => void) => answer([given, VIEWS[name]()]))
    expect((await socket.emitWithAck('ask', name)).map(plain)).toEqual([BYTES, BYTES])
  })

  it('[J5] an event has the bytes that there were when it was emitted', async () => {
    const { url } = await serve({}, declare)
    const socket = client(`${url}/data`, way)
    await next(socket, 'connect')
    const heard = next(socket, 'viewed')
    socket.emit('reused')
    expect(plain((await heard)[0])).toEqual(BYTES)
  })
})

describe('bytes elsewhere', () => {
  const sockets: WebSocket[] = []
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.terminate()
  })

  /** Every message that comes, read. */
  async function open(url: string, protocol: string): Promise<(match: (frame: Frame) => boolean) => Promise<Frame>> {
    const socket = new WebSocket(url, protocol)
    sockets.push(socket)
    const frames: Frame[] = []
    let changed = (): void => undefined
    socket.on('message', (text) => {
      for (const line of String(text).split('\n')) frames.push(fromJson(line) as Frame)
      changed()
    })
    await new Promise((resolve) => socket.once('open', resolve))
    const until = async (match: (frame: Frame) => boolean): Promise<Frame> => {
      for (;;) {
        const found = frames.find(match)
        if (found) return found
        await new Promise<void>((resolve) => {
          changed = resolve
        })
      }
    }
    return Object.assign(until, { send: (frame: Frame) => socket.send(toJson(frame)) })
  }
  type Frame = Record<string, unknown>
  type Opened = ((match: (frame: Frame) => boolean) => Promise<Frame>) & { send(frame: Frame): void }

  it.each(names)('[W10] [C1] %s over plain, v1, SSE, polls, POST /send and history', async (name) => {
    const { url } = await serve({}, declare)
    const ws = url.replace('http', 'ws')
    const sse = await fetch(`${url}/sse/data?room=log&name=Eve`)
    const { cursor } = (await (await fetch(`${url}/poll/data?room=log&name=Pol`)).json()) as { cursor: string }

    const bare = (await open(`${ws}/ws/data?name=Ann`, 'roomful.plain')) as Opened
    await bare(({ type }) => type === 'auth_ok')
    bare.send({ event: 'view', data: name, id: 1 })
    expect(plain((await bare(({ ack }) => ack === 1)).data)).toEqual(BYTES)
    expect(plain((await bare(({ type }) => type === 'viewed')).data)).toEqual(BYTES)
    expect(plain(((await bare(({ type }) => type === 'field')).deep as unknown[])[0])).toEqual(BYTES)
    bare.send({ type: 'mirror', data: VIEWS[name](), id: 2 })
    expect(plain((await bare(({ ack }) => ack === 2)).data)).toEqual(BYTES)

    const v1 = (await open(`${ws}/ws/data`, 'roomful.v1')) as Opened
    v1.send({ type: 'open', v: 1, ch: 1, ns: '/data', name: 'Ben' })
    await v1(({ type }) => type === 'opened')
    v1.send({ ch: 1, event: 'view', data: name, id: 1 })
    expect(plain((await v1(({ ack }) => ack === 1)).data)).toEqual(BYTES)
    expect(plain((await v1(({ event }) => event === 'viewed')).data)).toEqual(BYTES)

    const stream = Readable.fromWeb(sse.body as never)
    let text = ''
    for await (const chunk of stream) {
      text += String(chunk)
      if (text.includes('"kept"')) break
    }
    const line = text.split('\n').find((each) => each.startsWith('data:') && each.includes('"kept"')) ?? ''
    expect(plain((fromJson(line.slice(5)) as Frame).data)).toEqual(BYTES)

    const polled = await (await fetch(`${url}/poll/data?room=log&name=Pol&after=${cursor}`)).text()
    const events = (fromJson(polled) as { events: Frame[] }).events.filter(({ type }) => type === 'kept')
    expect(events.map(({ data }) => plain(data))).toEqual([BYTES, BYTES])

    const post = { method: 'POST', body: toJson({ event: 'mirror', data: VIEWS[name]() }) }
    expect(plain(fromJson(await (await fetch(`${url}/send/data?name=Cat`, post)).text()))).toEqual(BYTES)
    bare.send({ event: 'history:get', data: { roomId: 'log' }, id: 3 })
    const { data: page } = await bare(({ ack }) => ack === 3)
    const [stored] = (page as { events: Frame[] }).events
    expect(plain(stored?.data)).toEqual(BYTES)
  })
})
