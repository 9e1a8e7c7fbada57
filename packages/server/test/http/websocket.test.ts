/** What only a real socket shows: refusals before the upgrade, frames that are none. */

import { Socket } from 'node:net'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Wire } from '../../src/core/ports/wire.ts'
import { hmacToken } from '../auth/bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'

const servers: Roomful[] = []
afterEach(() => {
  vi.restoreAllMocks()
  return Promise.all(servers.splice(0).map((roomful) => roomful.close()))
})

async function start(settings: Parameters<typeof createRoomful>[0] = {}): Promise<{ url: string; roomful: Roomful }> {
  const roomful = createRoomful({ data: ':memory:', ...settings }).standardNamespaces()
  servers.push(roomful)
  const { port } = await roomful.listen({ port: 0 })
  return { url: `ws://localhost:${port}`, roomful }
}

const serve = async (settings?: Parameters<typeof createRoomful>[0]): Promise<string> => (await start(settings)).url

/** The HTTP answer instead of the upgrade. */
function refusal(
  url: string,
  protocols: string[] = [],
  origin?: string,
): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, protocols, origin === undefined ? {} : { origin })
    socket.on('error', () => undefined)
    socket.on('open', () => reject(new Error('It was let in')))
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
  })
}

/** A guest's connection, or that of a user with a token, welcomed. */
async function open(url: string, query = ''): Promise<WebSocket> {
  const socket = new WebSocket(`${url}/ws/public${query}`)
  await new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => data.toString().includes('"auth_ok"') && resolve())
  })
  return socket
}

describe('the upgrade', () => {
  it('[H8] [C5] is refused with 401 and a sentence where ROOMFUL_AUTH_REJECT is http', async () => {
    const url = await serve({ authReject: 'http' })
    expect(await refusal(`${url}/ws`)).toEqual({ status: 401, body: 'Missing token' })
    expect(await refusal(`${url}/ws?token=rubbish`)).toEqual({ status: 401, body: 'Invalid token' })
    expect(await refusal(`${url}/ws`, ['roomful.plain', 'bearer.rubbish'])).toMatchObject({ status: 401 })
    expect((await open(url)).readyState).toBe(WebSocket.OPEN)
  })

  it('[H16] [C19] is refused to the page of another site', async () => {
    const url = await serve()
    for (const origin of ['https://evil.example', 'null']) {
      expect(await refusal(`${url}/ws/public`, [], origin)).toEqual({ status: 403, body: 'Origin not allowed' })
    }
  })

  it('[C19] is refused for what is not there, and for a URL without end', async () => {
    const url = await serve()
    expect(await refusal(`${url}/ws/nowhere`)).toMatchObject({ status: 404 })
    expect(await refusal(`${url}/ws?token=${'x'.repeat(8_200)}`)).toMatchObject({ status: 414 })
  })
})

describe('a frame', () => {
  it('[W14] [C14] that is no UTF-8 closes with 1007', async () => {
    const socket = await open(await serve())
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.send(Buffer.from([0xff, 0xfe]), { binary: false })
    expect(await closed).toBe(1007)
  })

  it('[W14] [C14] that is binary where nothing declares it is INVALID_MESSAGE, and the connection stays', async () => {
    const socket = await open(await serve())
    const next = (): Promise<unknown> =>
      new Promise((resolve) => {
        socket.once('message', (data: Buffer) => resolve(JSON.parse(data.toString())))
      })
    const heard = new Promise((resolve) => {
      socket.on(
        'message',
        (data: Buffer) => data.toString().includes('"error"') && resolve(JSON.parse(data.toString())),
      )
    })
    socket.send(Buffer.from('{"type":"ping"}'), { binary: true })
    expect(await heard).toMatchObject({ type: 'error', code: 'INVALID_MESSAGE' })
    const pong = next()
    socket.send('{"type":"ping"}')
    expect(await pong).toEqual({ type: 'pong' })
  })

  it('[L1] [C16] over twice the limit and 4 KiB closes with 1009', async () => {
    const socket = await open(await serve({ maxMessageBytes: 1_024 }))
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.send('x'.repeat(2 * 1_024 + 4_096 + 1))
    expect(await closed).toBe(1009)
  })
})

describe('a connect and a join', () => {
  it.each([
    ['a guest', ''],
    ['a user with a token', `?token=${hmacToken(SECRET, { sub: 'ann' })}`],
  ])(
    '[P6] are one write each for %s: the answer to the upgrade with what is sent to a newcomer, and the answer to the join',
    async (_, query) => {
      const { url, roomful } = await start({ jwtSecret: SECRET })
      const write = vi.spyOn(Socket.prototype, 'write')
      const cork = vi.spyOn(Socket.prototype, 'cork')
      const socket = await open(url, query)
      const [link] = [...hubOf(roomful).links.open]
      const { wire } = link as unknown as { wire: { socket: Socket } }
      const written = (): string[] =>
        write.mock.contexts.flatMap((each, at) =>
          each === wire.socket ? [Buffer.from(write.mock.calls[at]?.[0] as Uint8Array).toString('latin1')] : [],
        )
      const joined = new Promise((resolve) =>
        socket.on('message', (data) => String(data).includes('"ack"') && resolve(0)),
      )
      socket.send('{"type":"room:join","roomId":"lobby","id":"j"}')
      await joined
      expect(written()).toEqual([
        expect.stringMatching(/^HTTP\/1\.1 101 .*"welcome".*"auth_ok".*"users:count"/s),
        expect.stringContaining('"ack":"j"'),
      ])
      expect(cork.mock.contexts.filter((each) => each === wire.socket)).toEqual([])
      socket.terminate()
    },
  )
})

describe('what a client sends', () => {
  it('[P15] goes to its frames without the events of a stream, and in order when reading was paused', async () => {
    const { url, roomful } = await start({ ratePerSecond: 0, ratePerMinute: 0 })
    const socket = await open(url)
    socket.setMaxListeners(0)
    const acks: unknown[] = []
    const ask = (id: number, done = (): void => undefined): void => {
      socket.on('message', (data: Buffer) => {
        const { ack } = JSON.parse(data.toString()) as { ack: unknown }
        if (ack !== id) return
        acks.push(ack)
        done()
      })
      socket.send(JSON.stringify({ type: 'room:join', roomId: `r${id}`, id, filling: 'x'.repeat(9_000) }))
    }
    const answered = (id: number): Promise<void> => new Promise((resolve) => ask(id, resolve))
    const [link] = [...hubOf(roomful).links.open]
    const { wire } = link as unknown as { wire: { socket: Socket } & Wire }
    const emit = vi.spyOn(wire.socket, 'emit')
    await answered(0)
    await answered(1)
    expect(emit.mock.calls.filter(([event]) => event === 'data')).toEqual([])
    wire.pauseReading()
    for (let id = 2; id < 40; id++) ask(id)
    await vi.waitFor(() => expect(wire.socket.readableLength).toBeGreaterThan(16_384))
    expect(acks).toEqual([0, 1])
    wire.resumeReading()
    await answered(40)
    expect(acks).toEqual(Array.from({ length: 41 }, (_, id) => id))
    emit.mockClear()
    await answered(41)
    expect(emit.mock.calls.filter(([event]) => event === 'data')).toEqual([])
    socket.terminate()
  })
})

describe('a client that does not read', () => {
  it('[G5] catches up when it does, also where its soft limit is below the mark at which a socket tells that it drained', async () => {
    const { url, roomful } = await start({ outboxBytes: 16_384 })
    const total = 300
    const socket = await open(url)
    const seqs: number[] = []
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const { type, seq } = JSON.parse(data.toString()) as { type: string; seq: number }
        if (type === 'tick') seqs.push(seq)
        if (seqs.length === total) resolve()
      })
    })
    const joined = new Promise((resolve) =>
      socket.on('message', (data) => String(data).includes(':joined') && resolve(0)),
    )
    socket.send('{"type":"room:join","roomId":"lobby"}')
    await joined
    socket.pause()
    const namespace = hubOf(roomful).namespace('/public')
    for (let i = 1; i <= total; i++) await namespace?.publish('lobby', 'tick', [{ i, filling: 'x'.repeat(20_000) }])
    const [link] = [...hubOf(roomful).links.open]
    expect(link?.slow).toBe(true)
    expect(link?.queuedBytes).toBeLessThan(65_536)
    socket.resume()
    await all
    expect(seqs).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    socket.terminate()
  })
})
