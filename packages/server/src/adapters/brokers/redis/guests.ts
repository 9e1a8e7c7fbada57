/** Names of guests over all nodes, and guests who poll now here, now there. */
import { createHash } from 'node:crypto'
import type { Poller, SharedGuests } from '../../../core/ports/guests.ts'
import type { Clock } from '../../../core/ports/system.ts'
import type { FunctionName } from './library.ts'
import type { RedisNamespace } from './namespace.ts'

/** After a name could not be released. */
const RETRY_MS = 1_000

export class GuestNames {
  private readonly namespace: RedisNamespace
  private readonly clock: Clock
  /** What could not be released yet. */
  private readonly unreleased = new Set<() => Promise<unknown>>()
  private cancelRetry: (() => void) | undefined

  constructor(namespace: RedisNamespace, clock: Clock) {
    this.namespace = namespace
    this.clock = clock
  }

  async take(sub: string, keys: readonly string[]): Promise<number | undefined> {
    const [place] = await this.namespace.ask('takeName', [this.namespace.node, sub, ...keys])
    return Number(place) === 0 ? undefined : Number(place) - 1
  }

  release(sub: string, keys: readonly string[]): void {
    this.try(() => this.namespace.ask('releaseNames', [this.namespace.node, sub, ...keys]))
  }

  keepPoller(key: string, { sub, name }: Poller, ms: number): void {
    this.tell('keepPoller', [digestOf(key), JSON.stringify({ sub, name }), String(ms)])
  }

  async takePoller(key: string): Promise<Poller | undefined> {
    const [kept] = await this.namespace.ask('takePoller', [digestOf(key)])
    return kept === '' ? undefined : (JSON.parse(String(kept)) as Poller)
  }

  dropPoller(key: string, { sub, name }: Poller): void {
    this.tell('dropPoller', [digestOf(key), JSON.stringify({ sub, name })])
  }

  close(): void {
    this.cancelRetry?.()
    this.unreleased.clear()
  }

  /** What is lost of it costs a guest who polls the name, at worst. */
  private tell(name: FunctionName, args: readonly string[]): void {
    this.namespace.ask(name, args).catch(() => undefined)
  }

  private try(release: () => Promise<unknown>): void {
    release().catch(() => {
      this.unreleased.add(release)
      this.cancelRetry ??= this.clock.after(RETRY_MS, () => this.tryAgain())
    })
  }

  private tryAgain(): void {
    this.cancelRetry = undefined
    const all = [...this.unreleased]
    this.unreleased.clear()
    for (const release of all) this.try(release)
  }
}

/** @param of the guests of a namespace; throws when the broker is closing */
export function sharedGuests(of: (namespace: string) => GuestNames | undefined, closed: () => Error): SharedGuests {
  const found = (namespace: string): GuestNames => {
    const names = of(namespace)
    if (!names) throw closed()
    return names
  }
  return {
    take: async (namespace, sub, keys) => found(namespace).take(sub, keys),
    release: (namespace, sub, keys) => of(namespace)?.release(sub, keys),
    keepPoller: (namespace, key, poller, ms) => of(namespace)?.keepPoller(key, poller, ms),
    takePoller: async (namespace, key) => found(namespace).takePoller(key),
    dropPoller: (namespace, key, poller) => of(namespace)?.dropPoller(key, poller),
  }
}

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url').slice(0, 22)
}
