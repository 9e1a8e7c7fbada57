/** One address floods the server with guests that come and go: others write as before, and keep what they wrote. D21. */
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, dial, user } from './lib/client.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'

const FLOODER = '203.0.113.66'
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

async function guestFrom(server: Server, address: string, name: string): Promise<Client> {
  const client = dial(server, `/ws/public?name=${name}`, from(address))
  await client.next('auth_ok')
  return client
}

async function history(client: Client, roomId: string): Promise<Record<string, unknown>[]> {
  const { events } = await client.ok('history:get', { roomId, limit: 100 })
  return events as Record<string, unknown>[]
}

describe('[D21] messages of an address under default rates', () => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start({ env: { TRUST_PROXY: '1' } })
  })
  afterAll(() => server.dispose())

  it('[L14] guests that reconnect store what one guest may, whatever the transport', async () => {
    let stored = 0
    let refused: Record<string, unknown> | undefined
    for (let i = 0; i < 8; i++) {
      const client = await guestFrom(server, FLOODER, `eve${i}`)
      for (let k = 0; k < 10; k++) {
        const ack = await client.request('chat:message', { roomId: 'flooded', content: `${i}.${k}` })
        if (ack.error === undefined) stored++
        else refused = ack.error as Record<string, unknown>
      }
      await client.close()
    }
    expect(stored).toBe(30)
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
    const message = { type: 'chat:message', roomId: 'flooded', content: 'over HTTP' }
    const posted = await server.post('/send/public', message, from(FLOODER).headers)
    expect(posted.status).toBe(429)
    expect(Number(posted.headers.get('retry-after'))).toBeGreaterThan(0)
    const socket = io(`${server.http}/public`, { forceNew: true, extraHeaders: from(FLOODER).headers })
    const answer = await socket
      .timeout(5000)
      .emitWithAck('message:send', { roomId: 'flooded', content: 'by Socket.IO' })
    expect(answer).toMatchObject({ status: 'error', code: 'RATE_LIMITED' })
    socket.close()
    const other = await guestFrom(server, '203.0.113.67', 'bob')
    await other.ok('chat:message', { roomId: 'flooded', content: 'as usual' })
    expect(await (await server.get('/metrics')).text()).toMatch(/roomful_rate_limited_total\{scope="user"\} [1-9]/)
  })
})

describe('[D21] a full log', () => {
  let server: Server
  beforeAll(async () => {
    // Without rates: what is left is the bound on bytes.
    const env = { ...UNLIMITED, TRUST_PROXY: '1', ROOMFUL_DATA_MAX_BYTES: '6000000', ROOMFUL_CONNECTS_PER_MINUTE: '0' }
    server = await Server.start({ env })
  })
  afterAll(() => server.dispose())

  it('[L17] takes from the flood: 80 writes of another user succeed and stay, and so does a quiet room', {
    timeout: 90_000,
  }, async () => {
    const bob = await user(server, 'bob', {}, '/ws/public')
    for (let i = 0; i < 20; i++) await bob.ok('chat:message', { roomId: 'quiet', content: `kept ${i}` })
    const before = await history(bob, 'quiet')
    const ann = await user(server, 'ann', {}, '/ws/public')
    const big = 'x'.repeat(60_000)
    for (let i = 0; i < 80; i++) {
      const eve = await guestFrom(server, FLOODER, `eve${i}`)
      for (let k = 0; k < 8; k++) eve.send({ type: 'chat:message', roomId: `flood${i % 3}`, content: big })
      eve.send({ type: 'chat:message', roomId: 'shared', content: big })
      await ann.ok('chat:message', { roomId: 'shared', content: `mine ${i}` })
      await eve.settled()
      eve.close()
    }
    expect(await history(bob, 'quiet')).toEqual(before)
    const mine: unknown[] = []
    for (let after = 0, more = true; more; ) {
      const page = await ann.ok('history:get', { roomId: 'shared', after, limit: 100 })
      const events = page.events as { seq: number; userId: string; content: string; redacted?: boolean }[]
      mine.push(...events.filter(({ userId }) => userId === 'ann').map(({ content }) => content))
      after = events.at(-1)?.seq ?? after
      more = page.more === true
    }
    expect(mine).toEqual(Array.from({ length: 80 }, (_, i) => `mine ${i}`))
    const { status } = await server.get('/ready')
    expect(status).toBe(200)
    expect(await (await server.get('/metrics')).text()).toMatch(/roomful_events_removed_for_space_total [1-9]/)
  })
})

describe('[D21] ROOMFUL_CONNECTS_PER_MINUTE=3', () => {
  let server: Server
  let address = 0
  /** Of which three connections were made within the minute. */
  async function spent(): Promise<{ headers: Record<string, string> }> {
    const options = from(`198.51.100.${++address}`)
    for (let i = 0; i < 3; i++) {
      const client = dial(server, '/ws/public', options)
      await client.next('auth_ok')
      await client.close()
    }
    return options
  }
  beforeAll(async () => {
    server = await Server.start({ env: { TRUST_PROXY: '1', ROOMFUL_CONNECTS_PER_MINUTE: '3' } })
  })
  afterAll(() => server.dispose())

  it('[L13] a WebSocket hears when to come back and is closed with 1013', async () => {
    const options = await spent()
    const client = dial(server, '/ws/public', options)
    expect(await client.next('error')).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
    expect((await client.closed).code).toBe(1013)
    const v1 = dial(server, '/ws/public', { ...options, protocols: ['roomful.v1'] })
    expect((await v1.closed).code).toBe(1013)
    const yjs = dial(server, `/yjs/some?token=${token({ sub: 'u' })}`, options)
    expect((await yjs.closed).code).toBe(1013)
  })

  it.each(['websocket', 'polling'])('[L13] a Socket.IO client over %s gets connect_error', async (transport) => {
    const { headers } = await spent()
    for (const namespace of ['/public', '/']) {
      const auth = namespace === '/' ? { token: token({ sub: 'u' }) } : {}
      const socket = io(server.http + namespace, {
        forceNew: true,
        transports: [transport],
        extraHeaders: headers,
        auth,
      })
      const error = await new Promise<Error & { data?: unknown }>((resolve) => socket.once('connect_error', resolve))
      socket.close()
      expect(error.data).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
    }
  })

  it.each(['/sse/public?room=a', '/poll/public?room=a'])('[L13] %s is answered with 429', async (path) => {
    const { headers } = await spent()
    const response = await server.get(path, headers)
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ error: { code: 'RATE_LIMITED', retryAfter: expect.any(Number) } })
  })

  it('[L13] a user is refused from every address, the same way', async () => {
    const path = `/ws?token=${token({ sub: 'traveller' })}`
    for (let i = 0; i < 3; i++) await dial(server, path, from(`192.0.2.${i}`)).next('auth_ok')
    const client = dial(server, path, from('192.0.2.10'))
    expect(await client.next('error')).toMatchObject({ code: 'RATE_LIMITED', retryAfter: expect.any(Number) })
    expect((await client.closed).code).toBe(1013)
    const headers = { ...from('192.0.2.11').headers, authorization: `Bearer ${token({ sub: 'traveller' })}` }
    expect((await server.get('/sse?room=a', headers)).status).toBe(429)
    const socket = io(server.http, {
      forceNew: true,
      extraHeaders: headers,
      auth: { token: token({ sub: 'traveller' }) },
    })
    const error = await new Promise<Error & { data?: unknown }>((resolve) => socket.once('connect_error', resolve))
    socket.close()
    expect(error.data).toMatchObject({ code: 'RATE_LIMITED' })
  })

  it('[L13] set on purpose it counts for this machine too, and single requests are not counted', async () => {
    for (let i = 0; i < 3; i++) await dial(server, '/ws/public').next('auth_ok')
    expect((await dial(server, '/ws/public').closed).code).toBe(1013)
    const body = { type: 'chat:message', roomId: 'a', content: 'hi' }
    for (let i = 0; i < 5; i++) expect((await server.post('/send/public', body)).status).toBe(200)
  })
})

describe('[D21] ROOMFUL_NEW_ROOMS_PER_MINUTE=3', () => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start({ env: { ...UNLIMITED, TRUST_PROXY: '1', ROOMFUL_NEW_ROOMS_PER_MINUTE: '3' } })
  })
  afterAll(() => server.dispose())

  it('[L15] guests of an address make three, by whatever transport, and join as many as there are', async () => {
    const bob = await guestFrom(server, '203.0.113.5', 'bob')
    for (const roomId of ['known', 'other']) await bob.ok('room:join', { roomId })
    const { headers } = from(FLOODER)
    const eve = await guestFrom(server, FLOODER, 'eve')
    await eve.ok('room:join', { roomId: 'mine1' })
    await eve.close()
    const body = (roomId: string) => ({ type: 'chat:message', roomId, content: 'hi' })
    expect((await server.post('/send/public', body('mine2'), headers)).status).toBe(200)
    expect((await server.get('/poll/public?room=mine3&wait=0', headers)).status).toBe(200)
    expect((await server.post('/send/public', body('mine4'), headers)).status).toBe(429)
    expect((await server.get('/poll/public?room=mine4&wait=0', headers)).status).toBe(429)
    expect((await server.get('/sse/public?room=mine4', headers)).status).toBe(429)
    const again = await guestFrom(server, FLOODER, 'eve')
    expect(await again.refused('room:join', { roomId: 'mine4' })).toMatchObject({
      code: 'RATE_LIMITED',
      retryAfter: expect.any(Number),
    })
    for (const roomId of ['known', 'other', 'mine1', 'mine2', 'mine3']) await again.ok('room:join', { roomId })
    const socket = io(`${server.http}/public`, { forceNew: true, extraHeaders: headers })
    const answer = await socket.timeout(5000).emitWithAck('room:join', 'mine4')
    socket.close()
    expect(answer).toMatchObject({ status: 'error', code: 'RATE_LIMITED' })
    await bob.ok('room:join', { roomId: 'third' })
  })
})
