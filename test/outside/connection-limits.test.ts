/** How many: connections of an address, rooms of a connection, bytes of a message. B33, C16. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, dial, guest, user } from './lib/client.ts'
import { openRaw, RawClient } from './lib/raw.ts'
import { Server, UNLIMITED } from './lib/server.ts'

describe('[B33] ROOMFUL_MAX_CONNECTIONS_PER_IP=5', () => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_MAX_CONNECTIONS_PER_IP: '5' } })
  })
  afterAll(() => server.dispose())

  async function sixth(headers?: Record<string, string>): Promise<void> {
    const client = dial(server, '/ws/public', headers ? { headers } : {})
    const error = await client.next('error')
    expect(error).toMatchObject({ type: 'error', code: 'TOO_MANY_CONNECTIONS', message: expect.stringContaining('5') })
    expect((await client.closed).code).toBe(1008)
    expect(client.received.map((frame) => frame.type)).not.toContain('welcome')
  }

  it('[B33] the sixth is told the limit and closed 1008; a place is free after every kind of end', async () => {
    const open: Client[] = []
    for (let i = 0; i < 5; i++) open.push(await guest(server, `g${i}`))
    await sixth()
    await sixth({ 'X-Forwarded-For': '203.0.113.7' }) // not believed without TRUST_PROXY
    const [clean, cut, reset, thrown] = open as [Client, Client, Client, Client]
    await clean.close()
    await server.untilClients(4)
    open.push(await guest(server, 'after clean'))
    await sixth()
    await cut.terminate()
    await server.untilClients(4)
    open.push(await guest(server, 'after cut'))
    await sixth()
    reset.sendRaw(Buffer.from('binary where text is due'))
    reset.socket.terminate()
    await server.untilClients(4)
    const raw = await openRaw(server.port, '/ws/public')
    await sixth()
    raw.socket.resetAndDestroy()
    await server.untilClients(4)
    thrown.close()
    await server.untilClients(3)
    for (const client of open) client.socket.terminate()
    await server.untilClients(0)
  })

  it('[B33] handshakes that fail or are left half-way hold no place', async () => {
    for (let i = 0; i < 20; i++) {
      const raw = new RawClient(server.port)
      await raw.handshake('/ws/nope')
      raw.destroy()
      await dial(server, '/ws?token=bad').closed
    }
    const open: Client[] = []
    for (let i = 0; i < 5; i++) open.push(await guest(server, `h${i}`))
    for (const client of open) await client.close()
    await server.untilClients(0)
  })

  it('[B33] links to /ws/echo count as well', async () => {
    const open = Array.from({ length: 5 }, () => dial(server, '/ws/echo'))
    for (const client of open) await client.opened()
    await sixth()
    for (const client of open) await client.close()
    await server.untilClients(0)
  })

  it('[B33] a race of many for the five places lets in exactly five', async () => {
    const racers = Array.from({ length: 25 }, () => dial(server, '/ws/public'))
    const outcomes = await Promise.all(
      racers.map((racer) => racer.next((frame) => frame.type === 'welcome' || frame.type === 'error')),
    )
    expect(outcomes.filter((frame) => frame.type === 'welcome')).toHaveLength(5)
    for (const racer of racers) racer.socket.terminate()
    await server.untilClients(0)
  })
})

describe('[C16] TRUST_PROXY', () => {
  it('[B33] [B32] with a trusted proxy the forwarded address counts', async () => {
    const server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_MAX_CONNECTIONS_PER_IP: '2', TRUST_PROXY: '1' } })
    try {
      const from = (address: string): Client => dial(server, '/ws/public', { headers: { 'X-Forwarded-For': address } })
      for (const address of ['203.0.113.1', '203.0.113.1', '203.0.113.2']) await from(address).next('welcome')
      expect(await from('203.0.113.1').next('error')).toMatchObject({ code: 'TOO_MANY_CONNECTIONS' })
      await from('203.0.113.2').next('welcome')
    } finally {
      await server.dispose()
    }
  })
})

describe('[C16] rooms and bytes', () => {
  let server: Server
  const MAX_BYTES = 2000
  beforeAll(async () => {
    server = await Server.start({ env: { ...UNLIMITED, ROOMFUL_MAX_MESSAGE_BYTES: `${MAX_BYTES}` } })
  })
  afterAll(() => server.dispose())

  it('[C16] 300 rooms on one connection: 200, then TOO_MANY_ROOMS; leaving makes room', {
    timeout: 60_000,
  }, async () => {
    const client = await user(server, 'collector')
    for (let i = 0; i < 200; i++) await joinPatiently(client, `c${i}`)
    for (let i = 200; i < 300; i++) {
      const refusal = await client.refused('room:join', { roomId: `c${i}` })
      if (refusal.code !== 'RATE_LIMITED')
        expect(refusal).toMatchObject({ code: 'TOO_MANY_ROOMS', message: expect.stringContaining('200') })
    }
    await joinPatiently(client, 'c0') // a member already
    await client.ok('room:leave', { roomId: 'c0' })
    await joinPatiently(client, 'c299')
    await client.ok('chat:message', { roomId: 'c299', content: 'still fine' })
  })

  /** Joins are limited to 50 a second; waits as told. */
  async function joinPatiently(client: Client, roomId: string): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const ack = await client.request('room:join', { roomId })
      if (ack.error === undefined) return
      if ((ack.error as { code: string }).code !== 'RATE_LIMITED') throw new Error(JSON.stringify(ack.error))
      const until = performance.now() + 50
      while (performance.now() < until) await client.settled()
    }
    throw new Error('joins stay limited')
  }

  const sized = (bytes: number, roomId = 'size'): { roomId: string; content: string } => {
    const empty = Buffer.byteLength(JSON.stringify({ roomId, content: '' }))
    return { roomId, content: 'x'.repeat(bytes - empty) }
  }

  it('[C16] a message of the allowed size passes, one a little larger is TOO_LARGE and the connection is kept', async () => {
    const client = await user(server, 'sizer')
    await client.ok('chat:message', sized(MAX_BYTES - 2)) // the brackets of the argument list may count
    const error = await client.refused('chat:message', sized(MAX_BYTES + 1))
    expect(error).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining(String(MAX_BYTES)) })
    await client.ok('chat:message', { roomId: 'size', content: 'small again' })
  })

  it('[C16] bytes are counted, not characters', async () => {
    const client = await user(server, 'counter')
    expect(await client.refused('chat:message', { roomId: 'size', content: '🙂'.repeat(MAX_BYTES / 4) })).toMatchObject(
      { code: 'TOO_LARGE' },
    )
    await client.ok('chat:message', { roomId: 'size', content: '🙂'.repeat(MAX_BYTES / 4 - 20) })
  })

  it('[C16] a frame beyond the cap (twice the limit and 4 KiB) closes 1009', async () => {
    const client = await user(server, 'framer')
    client.sendRaw(`"${'x'.repeat(2 * MAX_BYTES + 4096)}"`)
    expect((await client.closed).code).toBe(1009)
    const echo = dial(server, '/ws/echo')
    await echo.opened()
    echo.sendRaw(Buffer.alloc(1_000_000))
    expect((await echo.closed).code).toBe(1009)
  })
})
