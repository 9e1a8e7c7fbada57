/** A slow link costs no memory and delays nobody: it is read from the log when it drains, or it goes. */
import { createTestServer, type TestClient, type TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { audience } from './audience.ts'

const SETTINGS = { ratePerSecond: 0, ratePerMinute: 0, outboxBytes: 10_000 }
const KILOBYTE = 'x'.repeat(1_000)

async function say(client: TestClient, count: number, roomId = 'x'): Promise<void> {
  for (let i = 0; i < count; i++) await client.request('message:send', { roomId, content: KILOBYTE })
}

const seqs = (client: TestClient, roomId = 'x'): number[] =>
  client
    .messages((m) => (m.type === 'chat:message' || m.event === 'message:new') && m.roomId === roomId)
    .map(({ seq }) => seq)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

async function slowAndQuick(server: TestServer, rooms = ['x']): Promise<{ slow: TestClient; quick: TestClient }> {
  const { slow, quick } = await audience(server, { slow: rooms, quick: rooms })
  slow.wire.stall()
  return { slow, quick }
}

describe('a slow link', () => {
  it('[G5] turns behind at its soft limit, and queues nothing more of what is in the log', async () => {
    await using server = await createTestServer({ settings: SETTINGS })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 8)
    expect(server.observed('behind')).toEqual([])
    await say(quick, 200)
    expect(server.observed('behind')).toHaveLength(1)
    expect(slow.wire.queuedBytes).toBeLessThan(12_000)
    expect(seqs(quick)).toEqual(range(1, 208))
    slow.wire.drain()
    await server.settle()
    expect(seqs(slow)).toEqual(range(1, 208))
    expect(server.observed('caught-up')).toHaveLength(1)
    await say(quick, 1)
    expect(seqs(slow).at(-1)).toBe(209)
  })

  it('[G5] reads the log page by page, only as fast as it drains', async () => {
    let reads = 0
    await using server = await createTestServer({
      settings: { ...SETTINGS, historySize: 5 },
      broker: (broker) => ({
        ...broker,
        read: (...args) => {
          reads++
          return broker.read(...args)
        },
      }),
    })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 300)
    for (let i = 0; i < 100 && seqs(slow).length < 300; i++) {
      slow.wire.trickle(Number.POSITIVE_INFINITY)
      await server.settle()
      expect(slow.wire.queuedBytes).toBeLessThan(70_000 + 12_000)
    }
    expect(seqs(slow)).toEqual(range(1, 300))
    expect(reads).toBeGreaterThan(3)
    expect(reads).toBeLessThan(10)
  })

  it('[G5] several rooms come back in the order of their commits', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, historySize: 3 } })
    const { slow, quick } = await audience(server, { slow: ['x', 'y'], quick: ['x', 'y'] }, { dialect: 'v1' })
    slow.wire.stall()
    for (let i = 0; i < 40; i++) await say(quick, 1, i % 3 ? 'x' : 'y')
    slow.wire.drain()
    await server.settle()
    const order = (client: TestClient) => client.messages('message:new').map(({ n }) => n)
    expect(order(slow)).toEqual(order(quick))
    expect(order(slow)).toHaveLength(40)
  })

  it('[G5] volatile events are dropped, the latest of each key is kept', async () => {
    await using server = await createTestServer({ settings: SETTINGS })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    const room = server.get('/').to('x')
    for (let i = 0; i < 50; i++) {
      room.volatile.emit('noise', i)
      room.latest(`key${i % 2}`).emit('cursor', i)
    }
    await server.settle()
    expect(quick.messages('cursor')).toHaveLength(50)
    slow.wire.drain()
    await server.settle()
    expect(slow.messages('noise')).toEqual([])
    expect(slow.messages('cursor').map(({ data }) => data)).toEqual([48, 49])
    expect(seqs(slow)).toEqual(range(1, 20))
    const dropped = (what: string) =>
      server.observed('dropped').reduce((sum, fact) => sum + (fact.what === what ? fact.count : 0), 0)
    expect([dropped('volatile'), dropped('latest')]).toEqual([50, 48])
  })

  it('[G5] at most 256 keys are kept, the oldest go', async () => {
    await using server = await createTestServer({ settings: SETTINGS })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    for (let i = 0; i < 300; i++) server.get('/').to('x').latest(`key${i}`).emit('cursor', i)
    await server.settle()
    slow.wire.drain()
    await server.settle()
    expect(slow.messages('cursor').map(({ data }) => data)).toEqual(range(44, 299))
  })

  it('[G5] transient events are not dropped, but 1 MiB of them ends the link with 4008', async () => {
    await using server = await createTestServer({ settings: SETTINGS })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    for (let i = 0; i < 5; i++) server.get('/').to('x').emit('note', i)
    await server.settle()
    slow.wire.drain()
    await server.settle()
    expect(slow.messages('note').map(({ data }) => data)).toEqual(range(0, 4))
    slow.wire.stall()
    await say(quick, 20)
    for (let i = 0; i < 1_200 && !slow.wire.closing; i++) {
      server.get('/').to('x').emit('note', KILOBYTE)
      if (i % 10 === 0) await server.settle()
    }
    expect(slow.wire.closing).toEqual({ code: 4008, reason: 'Too slow' })
    expect(slow.wire.queuedBytes).toBeLessThan(1.2 * 1024 * 1024)
    await server.advance(5_000)
    expect(slow.closed?.code).toBe(4008)
    expect(quick.closed).toBeUndefined()
    expect(quick.messages('user:left')).toMatchObject([{ userId: 'slow' }])
  })

  it('[G5] without a drained byte for 30 s it is closed with 4008', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, pingIntervalMs: 0 } })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    await server.advance(29_000)
    expect(slow.wire.closing).toBeUndefined()
    await server.advance(1_500)
    expect(slow.wire.closing).toEqual({ code: 4008, reason: 'Too slow' })
  })

  it('[G5] one that drains a little goes on', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, pingIntervalMs: 0 } })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    for (let i = 0; i < 5; i++) {
      await server.advance(20_000)
      slow.wire.trickle(1)
    }
    expect(slow.wire.closing).toBeUndefined()
    slow.wire.drain()
    await server.settle()
    expect(seqs(slow)).toEqual(range(1, 20))
  })

  it('[G5] the 30 s begin anew each time that it turns slow', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, pingIntervalMs: 0 } })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    await server.advance(28_000)
    slow.wire.drain()
    slow.wire.stall()
    await say(quick, 60)
    await server.advance(29_000)
    expect(slow.wire.closing).toBeUndefined()
    await server.advance(1_500)
    expect(slow.wire.closing?.code).toBe(4008)
  })

  it('[G5] is not read from meanwhile, which bounds its answers', async () => {
    await using server = await createTestServer({ settings: SETTINGS })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 20)
    expect(slow.wire.isPaused).toBe(true)
    const queued = slow.wire.queuedBytes
    for (let i = 0; i < 1_000; i++) slow.send({ type: 'ping' })
    await server.settle()
    expect(slow.wire.queuedBytes).toBe(queued)
    slow.wire.drain()
    await server.settle()
    expect(slow.wire.isPaused).toBe(false)
    expect(slow.messages('pong')).toHaveLength(1_000)
  })

  it('[G5] all queues together have a bound; the one that would break it goes', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, outboxMaxBytes: 55_000 } })
    const names = Object.fromEntries(range(0, 7).map((i) => [`slow${i}`, ['x']]))
    const slow = Object.values(await audience(server, names))
    const { quick } = await audience(server, { quick: ['x'] })
    for (const client of slow) client.wire.stall()
    await say(quick as TestClient, 12)
    const closed = slow.filter(({ wire }) => wire.closing?.code === 4008)
    expect(closed.length).toBeGreaterThan(0)
    expect(closed.length).toBeLessThan(8)
    expect(
      slow.filter((each) => !closed.includes(each)).reduce((sum, { wire }) => sum + wire.queuedBytes, 0),
    ).toBeLessThan(56_000)
    expect(seqs(quick as TestClient)).toEqual(range(1, 12))
  })

  it('[M10] is not told what was taken back while it was behind, nor is a classic one', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, historySize: 0 } })
    const { slow, quick } = await slowAndQuick(server)
    const classic = await server.connect({ user: 'old' })
    classic.send({ type: 'join', room: 'x' })
    await classic.next('joined')
    for (const { wire } of [slow, classic]) wire.stall()
    await say(quick, 20)
    await quick.request('message:redact', { roomId: 'x', seq: 19 })
    for (const { wire } of [slow, classic]) wire.drain()
    await server.advance(100)
    expect(seqs(slow)).toEqual(range(1, 20))
    expect(slow.messages('chat:message')[18]).toEqual(expect.objectContaining({ seq: 19, redacted: true }))
    expect(JSON.stringify(slow.messages('chat:message')[18])).not.toContain('content')
    expect(classic.messages('message').map(({ seq }) => seq)).toEqual([...range(1, 18), 20])
  })

  it('[G5] may join and leave while it is behind, and misses nothing', async () => {
    await using server = await createTestServer({ settings: SETTINGS })
    const { slow, quick } = await audience(server, { slow: ['x', 'z'], quick: ['x', 'y', 'z'] })
    // What it asks for arrives before the wire stalls; the answers find it slow.
    slow.wire.stall()
    await say(quick, 12)
    slow.wire.resumeReading() // a message that was already read
    slow.post('room:join', { roomId: 'y' })
    slow.post('room:leave', { roomId: 'z' })
    await server.settle()
    await say(quick, 5, 'y')
    await say(quick, 5, 'z')
    await say(quick, 5, 'x')
    slow.wire.drain()
    await server.settle()
    expect([seqs(slow, 'x'), seqs(slow, 'y'), seqs(slow, 'z')]).toEqual([range(1, 17), range(1, 5), []])
  })

  it('[G4] [G5] what was trimmed while it was slow is reported, never skipped silently', async () => {
    await using server = await createTestServer({ settings: { ...SETTINGS, historySize: 5 }, log: { retention: 20 } })
    const { slow, quick } = await slowAndQuick(server)
    await say(quick, 100)
    slow.wire.drain()
    await server.settle()
    const heard = seqs(slow)
    const reset = slow.messages('reset')
    expect(reset).toMatchObject([{ roomId: 'x', reason: 'trimmed', to: 100 }])
    const from = reset[0]?.from as number
    expect(from).toBe(81)
    const before = heard.filter((seq) => seq < from)
    expect(heard).toEqual([...range(1, before.length), ...range(from, 100)])
  })

  it('[G4] of what was trimmed while it was read, nothing is skipped that is still to be had', async () => {
    await using server = await createTestServer({
      settings: { ...SETTINGS, historySize: 1 },
      log: { retention: 8 },
      broker: (broker, clock) => ({
        ...broker,
        async read(...args) {
          await new Promise<void>((resolve) => void clock.after(10, resolve))
          return broker.read(...args)
        },
      }),
    })
    const { quick } = await slowAndQuick(server)
    await say(quick, 2)
    const late = await server.connect({ user: 'late' })
    late.post('room:join', { roomId: 'x', after: 0 })
    await server.settle()
    await say(quick, 10)
    await server.advance(100)
    expect(late.messages('reset')).toMatchObject([{ roomId: 'x', reason: 'trimmed', from: 5 }])
    expect(seqs(late)).toEqual(range(5, 12))
  })
})
