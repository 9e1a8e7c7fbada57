/** One application of NestJS, whose gateways serve official Socket.IO clients, bare WebSockets, the SDK and `POST /send`. */
import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import { type INestApplication, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { connect as roomfulClient } from '@roomful/client'
import { type Socket as ClientSocket, io as connect } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { RoomfulAdapter } from '../src/index.ts'
import { ChatGateway, NewsGateway } from './chat.gateway.ts'

// A busy machine takes its time to start an application.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

@Module({ providers: [ChatGateway, NewsGateway] })
class AppModule {}

type Message = Readonly<Record<string, unknown>> & { readonly type: string }

/** A client of either kind, as a test sees it. */
interface Client {
  /** @returns what is answered, or `{ refused }` */
  ask(event: string, data: unknown): Promise<unknown>
  send(event: string, data: unknown): void
  /** The data of the events of a name, from now on. */
  heard(event: string): unknown[]
  close(): void
}

let app: INestApplication
let gateway: ChatGateway
let url: string
beforeAll(async () => {
  app = await NestFactory.create(AppModule, { logger: false })
  app.useWebSocketAdapter(new RoomfulAdapter(app, { durable: { events: ['message:new'], data: ':memory:' } }))
  await app.listen(0, '127.0.0.1')
  url = `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`
  gateway = app.get(ChatGateway)
})
afterAll(() => app.close())

function until(isSo: () => boolean): Promise<void> {
  return vi.waitUntil(isSo, { timeout: 20_000, interval: 5 }) as unknown as Promise<void>
}

async function socketio(name: string, { path = '/', token }: { path?: string; token?: string } = {}): Promise<Client> {
  const socket: ClientSocket = connect(url + path, {
    forceNew: true,
    query: { name },
    ...(token && { auth: { token } }),
  })
  onTestFinished(() => void socket.disconnect())
  const events: [string, unknown][] = []
  socket.onAny((event, data) => events.push([event, data]))
  await (path === '/' ? until(() => events.some(([event]) => event === 'ready')) : until(() => socket.connected))
  return {
    ask(event, data) {
      // NestJS answers no request that it refuses.
      const refused = new Promise((resolve) => socket.once('exception', (payload) => resolve({ refused: payload })))
      return Promise.race([new Promise((resolve) => socket.emit(event, data, resolve)), refused])
    },
    send: (event, data) => void socket.emit(event, data),
    heard: (event) => events.filter(([each]) => each === event).map(([, data]) => data),
    close: () => void socket.disconnect(),
  }
}

async function bare(name: string, { path = '', token }: { path?: string; token?: string } = {}): Promise<Client> {
  const query = new URLSearchParams({ name, ...(token && { token }) })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws${path}?${query}`)
  onTestFinished(() => socket.close())
  const messages: Message[] = []
  socket.addEventListener('message', ({ data }) => void messages.push(JSON.parse(String(data)) as Message))
  const isReady = (): boolean => messages.some(({ type }) => type === (path === '' ? 'ready' : 'auth_ok'))
  await until(isReady)
  let id = 0
  return {
    async ask(event, data) {
      const own = ++id
      socket.send(JSON.stringify({ event, data, id: own }))
      const answer = (): Message | undefined => messages.find(({ ack }) => ack === own)
      await until(() => answer() !== undefined)
      const { error, data: answered } = answer() as Message
      return error === undefined ? answered : { refused: error }
    },
    send: (event, data) => socket.send(JSON.stringify({ event, data })),
    heard: (event) =>
      messages.filter(({ type }) => type === event).map(({ type: _, data, ...fields }) => data ?? fields),
    close: () => socket.close(),
  }
}

const kinds = { 'Socket.IO client': socketio, 'bare WebSocket': bare }

describe.each(Object.entries(kinds))('a %s of a gateway', (_, open) => {
  it('is answered through pipes, guards, interceptors and filters', async () => {
    const client = await open('bob')
    expect(await client.ask('shout', 'loud')).toBe('LOUD')
    expect(await client.ask('later', null)).toBe('later')
    expect(await client.ask('wrapped', null)).toEqual({ wrapped: 'inner' })
    expect(await client.ask('shout', 1)).toMatchObject({ refused: { message: 'A text, please' } })
    expect(await client.ask('range', null)).toMatchObject({ refused: { code: 'OUT_OF_RANGE', message: 'Too far' } })
    expect(await client.ask('guarded', null)).toMatchObject({ refused: { message: 'Forbidden resource' } })
    const known = await open('carl', { token: 'let me in' })
    expect(await known.ask('guarded', null)).toBe('in')
  })

  it('is sent the events that handlers return, one or several', async () => {
    const client = await open('bob')
    client.send('event', 21)
    await until(() => client.heard('doubled').length === 1)
    expect(client.heard('doubled')).toEqual([42])
    client.send('several', null)
    await until(() => client.heard('one-of-several').length === 3)
    expect(client.heard('one-of-several')).toEqual([1, 2, 3])
  })

  it('connects to the gateway of a namespace', async () => {
    const client = await open('bob', { path: '/news' })
    expect(await client.ask('where', null)).toBe('/news')
  })

  it('has its lifecycle: init, connect, disconnect', async () => {
    const name = `life-${Math.random()}`
    const client = await open(name)
    client.close()
    await until(() => gateway.seen.includes(`disconnect ${name}`))
    expect(gateway.seen.filter((line) => line.endsWith(name))).toEqual([`connect ${name}`, `disconnect ${name}`])
    expect(gateway.seen[0]).toBe('init function')
  })
})

it('has both kinds of client in one room, with transient and durable events', async () => {
  const [ann, ben] = await Promise.all([socketio('ann'), bare('ben')])
  expect(await ann.ask('say', 'from ann')).toBe('said from ann')
  await until(() => ben.heard('said').length === 1)
  expect(await ben.ask('say', 'from ben')).toBe('said from ben')
  await until(() => ann.heard('said').length === 1)
  expect(ben.heard('said')).toMatchObject([{ text: 'from ann' }])
  expect(ann.heard('said')).toEqual([{ text: 'from ben' }])
  expect(await ben.ask('store', 'kept')).toBe('stored')
  expect(ben.heard('chat:message')).toMatchObject([{ text: 'kept', seq: 1, roomId: 'lobby' }])
  await until(() => ann.heard('message:new').length === 1)
  expect(ann.heard('message:new')).toEqual([{ text: 'kept' }])
})

it('reaches one bare client by its id, and everyone', async () => {
  const [ann, ben] = await Promise.all([socketio('ann'), bare('ben')])
  const [id] = ben.heard('ready') as [string]
  gateway.server.to(id).emit('note', 'for ben')
  gateway.server.emit('note', 'for all')
  await until(() => ben.heard('note').length === 2 && ann.heard('note').length === 1)
  expect([ben.heard('note'), ann.heard('note')]).toEqual([['for ben', 'for all'], ['for all']])
})

it('lets gateways decide who is in a room', async () => {
  const ben = await bare('ben')
  for (const event of ['room:join', 'history:get']) {
    expect(await ben.ask(event, { roomId: 'secret' })).toMatchObject({ refused: { code: 'FORBIDDEN' } })
  }
  expect(await ben.ask('room:list', {})).toMatchObject({ refused: { code: 'FORBIDDEN' } })
  expect(await ben.ask('history:get', { roomId: 'lobby' })).toMatchObject({ status: 'ok' })
})

it('takes one event by POST, which is a client for as long as that', async () => {
  const name = `post-${Math.random()}`
  const response = await fetch(`${url}/send?name=${name}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ event: 'shout', data: 'hello' }),
  })
  expect(await response.json()).toBe('HELLO')
  expect(gateway.seen.filter((line) => line.endsWith(name))).toEqual([`connect ${name}`, `disconnect ${name}`])
})

it('leaves all other paths to the application, and an unknown event is refused', async () => {
  expect((await fetch(`${url}/api/rooms`)).status).toBe(404)
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ statusCode: 404 })
  const ben = await bare('ben')
  expect(await ben.ask('no such', null)).toMatchObject({ refused: { code: 'UNKNOWN_EVENT' } })
})

it('lets a client into rooms that the application opens to it, and ends with clients that are connected', async () => {
  const own = await NestFactory.create(AppModule, { logger: false })
  own.useWebSocketAdapter(
    new RoomfulAdapter(own, {
      mayJoin: (_, roomId) => roomId.startsWith('open-'),
      durable: ['order:new'],
      bare: { data: ':memory:' },
    }),
  )
  await own.listen(0, '127.0.0.1')
  const there = `http://127.0.0.1:${(own.getHttpServer().address() as AddressInfo).port}`
  const { server } = own.get(ChatGateway)
  const refused = await fetch(`${there}/sse?room=closed`)
  expect(refused.status).toBe(403)
  await refused.text()
  const stream = await fetch(`${there}/sse?room=open-1`)
  const chunks = (stream.body as ReadableStream<Uint8Array>)[Symbol.asyncIterator]()
  const decoder = new TextDecoder()
  const sdk = roomfulClient(there, { name: 'Sue', transports: ['websocket'] })
  onTestFinished(() => sdk.close())
  const room = sdk.room('open-1')
  const joined = new Promise((resolve) => room.onJoined(resolve))
  const texts: unknown[] = []
  sdk.on('order:new', (data: unknown) => void texts.push((data as { text?: unknown }).text))
  expect(await sdk.request('shout', 'hello')).toBe('HELLO')
  await joined
  server.to('open-1').emit('order:new', { text: 'to everyone' })
  await until(() => texts.length === 1)
  let streamed = ''
  while (!streamed.includes('to everyone')) streamed += decoder.decode((await chunks.next()).value, { stream: true })
  expect(texts).toEqual(['to everyone'])
  const socket = connect(there, { forceNew: true, reconnection: false })
  const cut = new Promise((resolve) => socket.once('disconnect', resolve))
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  await own.close()
  await cut
  while ((await chunks.next().catch(() => ({ done: true }))).done !== true); // it ends, or is cut
})

it('says that all gateways share a port and a path', () => {
  const adapter = new RoomfulAdapter(undefined, {})
  onTestFinished(() => adapter.dispose())
  adapter.create(0)
  expect(() => adapter.create(1)).toThrow('on one port and one path')
})
