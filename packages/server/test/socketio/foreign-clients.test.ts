/** Clients that do not take the cursor of recovery off get none: by what they are, or because they say so. */

import { hubOf } from '@roomful/server/testing'
import type { Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { takesCursors } from '../../src/adapters/transports/socketio/transport.ts'
import { client, next, serve, token } from './serve.ts'

const CONNECTED = 0

/** The whole reply to CONNECT. */
function reply(socket: Socket): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    socket.io.on('packet', ({ type, data }) => type === CONNECTED && resolve(data))
  })
}

/** What listeners get of a durable event, of a transient one that ends in a string, and of one without arguments. */
async function heardBy({ auth, ...rest }: { auth?: object; extraHeaders?: Record<string, string> }) {
  const { url, roomful } = await serve()
  const socket = client(url, 'polling', { ...rest, auth: { token: await token('ann'), ...auth } })
  const connected = reply(socket)
  await next(socket, 'connect')
  const { pid } = await connected
  await socket.emitWithAck('room:join', 'a')
  const heard: unknown[][] = []
  for (const event of ['message:new', 'word', 'bare']) socket.on(event, (...args) => heard.push(args))
  const bare = next(socket, 'bare')
  const namespace = hubOf(roomful).namespace('/')
  await namespace?.publish('a', 'message:new', [{ content: 'x' }])
  namespace?.to('a').emit('word', 'x')
  namespace?.to('a').emit('bare')
  await bare
  return { pid, heard }
}

const message = expect.objectContaining({ content: 'x' })
const WITHOUT = { pid: undefined, heard: [[message], ['x'], []] }
const WITH = {
  pid: expect.any(String),
  heard: [[message, expect.any(String)], ['x', expect.any(String)], [expect.any(String)]],
}
const okhttp = { extraHeaders: { 'User-Agent': 'okhttp/3.12.12' } }

describe('the cursor of recovery', () => {
  it.each([
    ['goes to the official client', {}, WITH],
    ['does not go to who declines it', { auth: { recovery: false } }, WITHOUT],
    ['does not go to a client of another kind', okhttp, WITHOUT],
    ['goes to a client of another kind that asks for it', { ...okhttp, auth: { recovery: true } }, WITH],
    ['goes to a client of another kind that brings one', { ...okhttp, auth: { pid: 'p' } }, WITH],
  ])('[J26] %s', async (_, options, expected) => {
    expect(await heardBy(options)).toEqual(expected)
  })

  it('[J26] is declined by one connection of a link, not by the others', async () => {
    const { url } = await serve()
    const first = client(url, 'websocket', { auth: { token: await token('ann'), recovery: false } })
    await next(first, 'connect')
    const second = first.io.socket('/public', { auth: { name: 'Ann' } })
    const connected = reply(second)
    if (!second.connected) second.connect()
    expect(await connected).toHaveProperty('pid')
    second.disconnect()
  })

  it('[J26] is asked for by one connection of such a link, not for the others', async () => {
    const { url } = await serve({ auth: 'optional' })
    const first = client(`${url}/public`, 'websocket', { ...okhttp, auth: { recovery: true } })
    const asked = reply(first)
    await next(first, 'connect')
    expect(await asked).toHaveProperty('pid')
    const second = first.io.socket('/', { auth: { name: 'Ann' } })
    const silent = reply(second)
    if (!second.connected) second.connect()
    expect(await silent).not.toHaveProperty('pid')
    second.disconnect()
  })
})

it('[J26] the server keeps no session and no place for who cannot come back to them', async () => {
  const { url, roomful } = await serve()
  const enter = async (sub: string, auth: object): Promise<Socket> => {
    const socket = client(url, 'websocket', { auth: { token: await token(sub), ...auth }, reconnection: false })
    await next(socket, 'connect')
    await socket.emitWithAck('room:join', 'a')
    return socket
  }
  const ben = await enter('ben', {})
  const ann = await enter('ann', { recovery: false })
  expect(hubOf(roomful).namespace('/')?.state.sessions.size).toBe(1)
  const heard: string[] = []
  ben.onAny((event) => heard.push(event))
  const left = next(ben, 'user:left')
  ann.io.engine.close()
  expect((await left)[0]).toMatchObject({ userId: 'ann' })
  // Who is waited for shows as reconnecting first.
  expect(heard).not.toContain('presence:diff')
})

it.each([
  [{ 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0', origin: 'https://example.com' }, true],
  [{ 'user-agent': 'node-XMLHttpRequest' }, true],
  [{}, true],
  [{ origin: 'http://127.0.0.1:8080' }, false],
  [{ 'user-agent': 'python-requests/2.28.1' }, false],
  [{ 'user-agent': 'Python/3.11 aiohttp/3.8.4' }, false],
  [{ 'user-agent': 'okhttp/4.12.0' }, false],
  [{ 'user-agent': 'Starscream/4.0.4' }, false],
])('[J26] headers %j show whether a client takes cursors off: %s', (headers, expected) => {
  expect(takesCursors(headers)).toBe(expected)
})
