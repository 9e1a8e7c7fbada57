/** What several nodes share: a simulated Redis, and the way of each to it. */
import { createRedisBroker } from '@roomful/server/testing'
import type { VirtualClock } from '../clock.ts'
import type { SeededRandom } from '../random.ts'
import type { TestServerOptions } from '../server.ts'
import type { LifeClock } from './life-clock.ts'
import { SimulatedRedis } from './redis/simulated-redis.ts'
import { Way } from './redis/way.ts'
import type { SharedStorage } from './storage.ts'
import type { StoredRooms } from './stored-rooms.ts'

export interface ClusterOptions {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly nodes: number
  /** Longest usual time of a message to Redis or back. */
  readonly networkMs: number
  /** Longest time until a write is on disk. */
  readonly diskMs: number
  /** Most events that a room keeps. */
  readonly retention: number
  readonly onProblem: (problem: string) => void
  /** A message to a node was published, whether it arrives or not. */
  readonly onPublish: (channel: string, message: string) => void
}

/** How late something arrives that was sent on a connection that broke since. */
const LATE_MAX_MS = 4_000

/** How long a call that clears up after a node is held up. */
const REAP_MAX_MS = 1_500

export class Cluster implements SharedStorage {
  readonly redis: SimulatedRedis
  readonly ways: readonly Way[]
  private readonly options: ClusterOptions
  private isCalm = false

  constructor(options: ClusterOptions) {
    this.options = options
    const { clock, random, nodes, networkMs, diskMs, onProblem, onPublish } = options
    const disk = random.fork('disk')
    const upTo = (source: SeededRandom, ms: number) => (ms === 0 ? 0 : source.integer(ms))
    this.redis = new SimulatedRedis({ clock, onProblem, onPublish, syncMs: () => upTo(disk, diskMs) })
    this.ways = Array.from({ length: nodes }, (_, index) => {
      const own = random.fork(`way ${index}`)
      const isReordered = () => !this.isCalm && own.integer(6) === 0
      const lateMs = () => (this.isCalm || own.integer(3) > 0 ? undefined : 1 + own.integer(LATE_MAX_MS))
      const reapMs = () => (this.isCalm || own.integer(2) > 0 ? 0 : own.integer(REAP_MAX_MS))
      return new Way({ clock, redis: this.redis, delayMs: () => upTo(own, networkMs), isReordered, lateMs, reapMs })
    })
  }

  get stored(): StoredRooms {
    return this.redis.stored
  }

  mount(index: number, life: LifeClock): Pick<TestServerOptions, 'shared'> {
    const way = this.ways[index] as Way
    const { retention } = this.options
    return {
      shared: (clock, random) =>
        createRedisBroker({
          ...{ url: 'redis://simulated', clock, random, redis: async () => way.open(life), retention },
          report: () => undefined,
        }),
    }
  }

  stall(forMs: number): void {
    this.redis.stalledUntilMs = this.options.clock.monotonic() + forMs
  }

  fill(forMs: number): void {
    this.redis.fullUntilMs = this.options.clock.monotonic() + forMs
  }

  recover(): void {
    this.isCalm = true
    this.redis.stalledUntilMs = 0
    this.redis.fullUntilMs = 0
    for (const way of this.ways) {
      way.pushesToLose = 0
      way.heal()
    }
  }

  async heads(namespace: string, roomIds: readonly string[]): ReturnType<SharedStorage['heads']> {
    const reply = this.redis.ask(namespace, 'heads', ['', ...roomIds])
    return roomIds.flatMap((roomId, index) => {
      const [epoch, seq, first] = reply.slice(3 + 5 * index)
      return epoch === '' ? [] : [{ roomId, epoch: String(epoch), seq: Number(seq), first: Number(first) }]
    })
  }

  async emptied(namespace: string, roomIds: readonly string[]): ReturnType<SharedStorage['emptied']> {
    const rooms = new Map<string, ReadonlySet<number>>()
    for (const roomId of roomIds) {
      const rows = this.redis.ask(namespace, 'range', ['1000000', '1000000000', roomId, '1', '']).slice(4)
      // `n seq ts redacted …`
      const numbers = rows.map((row) => String(row).split(' ', 4).map(Number))
      rooms.set(roomId, new Set(numbers.flatMap(([, seq = 0, , redacted]) => (redacted === 1 ? [seq] : []))))
    }
    return rooms
  }

  /** Users of a room, as all nodes know them. */
  usersOf(namespace: string, roomId: string): string[] {
    const users = this.redis.ask(namespace, 'roomUsers', [roomId, '0', '1000']).slice(2)
    return users.flatMap((user, index) => (index % 2 === 0 ? [(JSON.parse(String(user)) as { sub: string }).sub] : []))
  }

  /** The session that a client may bring to any node. @returns its fence, nothing where it is not stored */
  fenceOf(namespace: string, session: string): number | undefined {
    const [, fence] = this.redis.ask(namespace, 'findSession', ['', session])
    return fence === undefined ? undefined : Number(fence)
  }

  close(): void {
    for (const way of this.ways) way.end(false)
  }
}
