/**
 * Publishing with retries over a log that is slow, refuses, or does not say whether it stored: whatever was acknowledged is
 * there, nothing is there twice, and everyone hears the same.
 */
import { appending, createTestServer, type TestClient } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const PUBLISHERS = 3
/** Tries after which a publisher has met every trouble of a run. */
const TRIES_MAX = 40

const trouble = fc.record({
  kind: fc.constantFrom('none' as const, 'none' as const, 'refused' as const, 'unknown' as const),
  ms: fc.nat(8),
})
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      who: fc.nat(PUBLISHERS - 1),
      room: fc.constantFrom('x', 'y'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), who: fc.nat(PUBLISHERS - 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), who: fc.nat(PUBLISHERS - 1) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(10) }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never
type Trouble = typeof trouble extends fc.Arbitrary<infer Value> ? Value : never

interface Sent {
  readonly key: string
  readonly roomId: string
  /** The number it was acknowledged with. */
  seq: number | undefined
}

/** Sends with a key of its own per message, and again until it is acknowledged. */
class Publisher {
  client: TestClient
  readonly name: string
  readonly sent: Sent[] = []
  private readonly asked = new Map<string | number, Sent>()
  private checked = 0

  constructor(name: string, client: TestClient) {
    this.name = name
    this.client = client
  }

  send(roomId: string): void {
    const message: Sent = { key: `${this.name}-${this.sent.length}`, roomId, seq: undefined }
    this.sent.push(message)
    this.post(message)
  }

  /** @returns how many are still without an acknowledgement */
  again(): number {
    this.check()
    const open = this.sent.filter(({ seq }) => seq === undefined)
    for (const message of open) this.post(message)
    return open.length
  }

  reconnect(client: TestClient): void {
    this.check()
    this.client = client
    this.checked = 0
    this.asked.clear()
  }

  check(): void {
    const { received } = this.client
    for (; this.checked < received.length; this.checked++) {
      const { ack, data, error } = received[this.checked] as {
        ack?: string
        data?: { seq: number }
        error?: { code: string }
      }
      const message = ack === undefined ? undefined : this.asked.get(ack)
      if (!message) continue
      if (error && error.code !== 'UNAVAILABLE') throw new Error(`${message.key}: ${error.code}`)
      if (error || !data) continue
      if (message.seq !== undefined && message.seq !== data.seq) throw new Error(`${message.key} has two numbers`)
      message.seq = data.seq
    }
  }

  private post(message: Sent): void {
    const { key, roomId } = message
    this.asked.set(this.client.post('message:send', { roomId, content: key }, { key }), message)
  }
}

async function run(steps: readonly Step[], troubles: readonly Trouble[]): Promise<void> {
  const ahead = [...troubles]
  await using server = await createTestServer({
    settings: { ratePerSecond: 0, ratePerMinute: 0, pingIntervalMs: 0 },
    broker: (broker, clock) =>
      appending(broker, async (appends, store) => {
        const { kind, ms } = ahead.shift() ?? { kind: 'none', ms: 0 }
        if (kind === 'refused') throw new Error('full disk')
        const results = await store(appends)
        if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve))
        return kind === 'unknown' ? results.map(() => ({ status: 'unknown' as const })) : results
      }),
  })
  const listeners = [await server.connect({ user: 'l1' }), await server.connect({ user: 'l2', dialect: 'v1' })]
  for (const listener of listeners) for (const roomId of ['x', 'y']) await listener.request('room:join', roomId)
  const connect = (name: string): TestClient => server.open({ user: name })
  const all = Array.from({ length: PUBLISHERS }, (_, who) => new Publisher(`p${who}`, connect(`p${who}`)))
  await server.settle()
  for (const each of steps) {
    const self = 'who' in each ? (all[each.who] as Publisher) : undefined
    if (each.do === 'send') self?.send(each.room)
    else if (each.do === 'again') self?.again()
    else if (each.do === 'wait') await server.advance(each.ms)
    else {
      self?.client.cut()
      const client = connect(self?.name ?? '')
      await server.settle()
      self?.reconnect(client)
    }
  }
  await server.advance(100)
  for (let tries = 0; all.some((each) => each.again() > 0) && tries < TRIES_MAX; tries++) await server.advance(100)
  ahead.length = 0
  for (const roomId of ['x', 'y'])
    await all[0]?.client.request('message:send', { roomId, content: 'last' }, { key: `last ${roomId}` })
  await server.settle()
  for (const roomId of ['x', 'y']) {
    const rows = await server.broker.read('/', [{ roomId, seq: 0 }], { events: 1_000, bytes: 1_000_000 })
    const sent = all.flatMap((each) => each.sent).filter((message) => message.roomId === roomId)
    expect(new Set(rows.map(({ key }) => key))).toEqual(new Set([...sent.map(({ key }) => key), `last ${roomId}`]))
    expect(rows).toHaveLength(sent.length + 1)
    for (const { key, seq } of sent) expect([key, rows.find((row) => row.key === key)?.seq]).toEqual([key, seq])
    const stored = rows.map(({ seq, key }) => [seq, key])
    for (const listener of listeners) {
      const heard = listener.messages(
        (m) => m.roomId === roomId && (m.event ?? m.type) !== 'user:joined' && m.seq !== undefined,
      )
      expect(heard.map(({ seq, key }) => [seq, key])).toEqual(stored)
    }
  }
}

describe('publishing with retries', () => {
  it('[G2] [G3] [D2] loses nothing that was acknowledged, and stores nothing twice', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 50, size: 'max' }),
        fc.array(trouble, { maxLength: 30 }),
        run,
      ),
      { numRuns: 200 },
    )
  })
})
