/**
 * The seam between the log and what is live, under any interleaving: publishing, joining with and without a position,
 * leaving, slowness, cuts, slow reads and slow appends. What each subscriber heard is checked message by message against
 * what the protocol promises it. A failure prints its seed and the shortest list of steps.
 */
import { appending, createTestServer, type Message, type TestClient, type TestServer } from '@roomful/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const ROOMS = ['x', 'y', 'z'] as const
const SUBSCRIBERS = 3
/** More events than a run can make. */
const LOSSLESS = 10_000
/** Far more than a run of these steps needs. */
const READS_MAX = 1_000
const TEXT = 't'.repeat(150)

const subscriber = fc.nat(SUBSCRIBERS - 1)
const room = fc.constantFrom(...ROOMS)

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('publish' as const), room, times: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('join' as const), who: subscriber, room }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resume' as const), who: subscriber, room, back: fc.nat(15) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), who: subscriber, room }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('stall' as const), who: subscriber }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('trickle' as const), who: subscriber }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('drain' as const), who: subscriber }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), who: subscriber }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(12) }) },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** One subscriber, which checks what it hears as a careful client would. */
class Subscriber {
  client: TestClient
  private readonly isTrimmed: boolean
  /** Rooms it is in, and the last number it knows of. */
  readonly positions = new Map<string, number>()
  private readonly asked = new Map<string | number, { event: string; room: string; after: number | undefined }>()
  private epochs = new Map<string, string>()
  private checked = 0
  private hasRewound = false
  private lastN = 0

  /** @param isTrimmed the log may have lost something; what is still in memory may then come late */
  constructor(client: TestClient, isTrimmed: boolean) {
    this.client = client
    this.isTrimmed = isTrimmed
  }

  ask(event: 'room:join' | 'room:leave', roomId: string, after?: number): void {
    const epoch = this.epochs.get(roomId)
    const position = after === undefined ? undefined : epoch === undefined ? after : { epoch, seq: after }
    const id = this.client.post(event, { roomId, ...(position === undefined ? {} : { after: position }) })
    this.asked.set(id, { event, room: roomId, after })
  }

  /** A new connection that resumes where the old one was. */
  reconnect(client: TestClient): void {
    this.check()
    const rooms = [...this.positions]
    this.client = client
    this.positions.clear()
    this.asked.clear()
    this.checked = 0
    this.hasRewound = true
    for (const [roomId, seq] of rooms) this.ask('room:join', roomId, seq)
  }

  check(): void {
    const { received } = this.client
    for (; this.checked < received.length; this.checked++) this.take(received[this.checked] as Message)
  }

  private take(message: Message): void {
    if (message.ack !== undefined) return this.answered(message)
    if (message.event === 'reset') {
      if (!this.isTrimmed) throw new Error(`${message.data.roomId} was said to be trimmed at ${message.data.from}`)
      this.positions.set(message.data.roomId, message.data.from - 1)
      return
    }
    if (message.event !== 'message:new') return
    const position = this.positions.get(message.roomId)
    if (position === undefined) throw new Error(`${message.id} came outside the room`)
    if (message.seq !== position + 1) throw new Error(`${message.id} came after ${position}`)
    this.positions.set(message.roomId, message.seq)
    if (!this.hasRewound && !this.isTrimmed && message.n <= this.lastN)
      throw new Error(`${message.id}: n ${message.n} after ${this.lastN}`)
    this.lastN = message.n
  }

  private answered({ ack, data, error }: Message): void {
    const question = this.asked.get(ack)
    if (!question) return
    if (error) throw new Error(`${question.event} was refused: ${error.code}`)
    const { room: roomId, after } = question
    if (question.event === 'room:leave') {
      this.positions.delete(roomId)
      return
    }
    this.epochs.set(roomId, data.epoch)
    if (after !== undefined) {
      this.hasRewound = true
      if (data.recovered === true) this.positions.set(roomId, after)
      else if (data.recovered === false && (this.isTrimmed || data.reason === 'epoch'))
        this.positions.set(roomId, data.from - 1)
      else throw new Error(`a resume was answered with ${data.recovered} ${data.reason}`)
    } else if (!this.positions.has(roomId)) this.positions.set(roomId, data.seq)
  }
}

interface Delays {
  readonly readMs: number
  readonly appendMs: number
}

function createServer({ readMs, appendMs }: Delays, retention: number): Promise<TestServer> {
  return createTestServer({
    settings: { ratePerSecond: 0, ratePerMinute: 0, historySize: 4, outboxBytes: 1_500, pingIntervalMs: 0 },
    log: { retention },
    broker: (broker, clock) => {
      let reads = 0
      const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
      const slowly = appending(broker, async (appends, store) => {
        const results = await store(appends)
        if (appendMs > 0) await sleep(appendMs)
        return results
      })
      return {
        ...slowly,
        async read(...args) {
          if (++reads > READS_MAX) throw new Error('It reads and reads, and does not come forward')
          await sleep(readMs)
          return broker.read(...args)
        },
      }
    },
  })
}

async function run(steps: readonly Step[], delays: Delays, retention: number): Promise<void> {
  await using server = await createServer(delays, retention)
  const publisher = await server.connect({ user: 'publisher' })
  const connect = (who: number): TestClient => server.open({ user: `s${who}`, dialect: 'v1' })
  const all = Array.from({ length: SUBSCRIBERS }, (_, who) => new Subscriber(connect(who), retention < LOSSLESS))
  await server.settle()
  for (const each of steps) {
    const self = 'who' in each ? (all[each.who] as Subscriber) : undefined
    self?.check()
    switch (each.do) {
      case 'publish':
        for (let i = 0; i < each.times; i++) publisher.post('message:send', { roomId: each.room, content: TEXT })
        break
      case 'join':
        self?.ask('room:join', each.room)
        break
      case 'resume':
        self?.ask('room:join', each.room, Math.max(0, (self.positions.get(each.room) ?? 0) - each.back))
        break
      case 'leave':
        self?.ask('room:leave', each.room)
        break
      case 'stall':
        self?.client.wire.stall()
        break
      case 'trickle':
        self?.client.wire.trickle(1)
        break
      case 'drain':
        self?.client.wire.drain()
        break
      case 'cut':
        self?.client.cut()
        {
          const client = connect(each.who)
          await server.settle() // a client says nothing before it is let in
          self?.reconnect(client)
        }
        break
      case 'wait':
        await server.advance(each.ms)
        break
      default:
        each satisfies never
    }
  }
  for (const { client } of all) client.wire.drain()
  await server.advance(2_000)
  for (const { client } of all) client.wire.drain()
  await server.advance(2_000)
  const heads = new Map((await server.broker.heads('/', ROOMS)).map(({ roomId, seq }) => [roomId, seq]))
  for (const [who, each] of all.entries()) {
    each.check()
    expect(each.client.closed, `subscriber ${who} was closed`).toBeUndefined()
    for (const [roomId, seq] of each.positions) expect([who, roomId, seq]).toEqual([who, roomId, heads.get(roomId)])
    const connection = server.get('/').connections.get(each.client.id)
    expect(connection?.behind, `subscriber ${who} is still behind`).toBeUndefined()
    expect([...(connection?.memberships.keys() ?? [])].sort()).toEqual([...each.positions.keys()].sort())
  }
}

const delays = fc.record({ readMs: fc.nat(6), appendMs: fc.nat(6) })
const steps = fc.array(step, { minLength: 5, maxLength: 60, size: 'max' })

const join = (who: number, room: string) => ({ do: 'join', who, room }) as Step
const publish = (room: string, times: number) => ({ do: 'publish', room, times }) as Step
const resume = (who: number, room: string) => ({ do: 'resume', who, room, back: 0 }) as Step
const act = (name: 'stall' | 'drain' | 'trickle' | 'cut', who: number) => ({ do: name, who }) as Step
const wait = (ms: number) => ({ do: 'wait', ms }) as Step

/** What once failed, as short as it was found. */
const past: { what: string; steps: Step[]; delays: Delays; retention: number }[] = [
  {
    what: 'a page holds what was released since it was asked for, while another room got something earlier',
    steps: [
      ...[
        join(1, 'z'),
        join(1, 'y'),
        act('stall', 1),
        wait(0),
        publish('y', 4),
        act('cut', 0),
        publish('y', 5),
        wait(0),
      ],
      ...[publish('z', 1), publish('y', 1), join(0, 'x'), join(0, 'x'), act('drain', 0), act('stall', 0), join(0, 'x')],
    ],
    delays: { readMs: 0, appendMs: 0 },
    retention: LOSSLESS,
  },
  {
    what: 'a member goes back behind its position while a page is on its way',
    steps: [
      ...[act('stall', 1), join(1, 'z'), publish('z', 1), join(1, 'x'), wait(0), publish('x', 4), wait(0)],
      ...[publish('z', 5), resume(1, 'z'), wait(0), publish('x', 1), publish('x', 1), publish('x', 1), publish('x', 1)],
    ],
    delays: { readMs: 0, appendMs: 0 },
    retention: LOSSLESS,
  },
  {
    what: 'the log trims more than is released yet, and a join resumes before it',
    steps: [
      ...[join(1, 'x'), wait(0), act('stall', 1), publish('x', 5), wait(1), resume(0, 'x'), publish('x', 10), wait(2)],
      ...[publish('x', 3), act('cut', 1), publish('x', 1), act('trickle', 0), publish('x', 1)],
    ],
    delays: { readMs: 0, appendMs: 3 },
    retention: 12,
  },
  {
    what: 'the log has only what is not released yet, and is not asked again and again for it',
    steps: [
      ...[publish('z', 5), resume(0, 'z'), wait(1), publish('x', 1), publish('z', 12), join(0, 'x'), wait(0)],
      publish('x', 1),
    ],
    delays: { readMs: 0, appendMs: 2 },
    retention: 12,
  },
]

describe('catch-up', () => {
  it.each(past)('[G1] [G4] once failed: $what', (each) => run(each.steps, each.delays, each.retention))

  it('[G1] [G4] [G5] every subscriber hears each event of its rooms once and in order', {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, delays, (list, times) => run(list, times, LOSSLESS)),
      { numRuns: 300 },
    )
  })

  it('[G4] or is sent where events continue, when the log was trimmed', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(steps, delays, (list, times) => run(list, times, 12)),
      { numRuns: 200 },
    )
  })
})
