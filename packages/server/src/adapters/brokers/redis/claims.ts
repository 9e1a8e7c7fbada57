/** Keys of requests that are about to run: all that come in one turn are asked for in one call. */
import { ERROR_CODES } from '@roomful/protocol'
import type { AppendKey, Claim } from '../../../core/ports/broker.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { digestOf, secondOf, shortPrint } from './names.ts'
import { inPages, type RedisNamespace, unavailable } from './namespace.ts'

interface Asked {
  readonly key: AppendKey
  readonly digest: string
  readonly startedAt: number
  readonly resolve: (claim: Claim) => void
  readonly reject: (error: unknown) => void
}

/** How often a request is asked for that runs on another node, and how long. */
const RUNS_LOOK_MS = 25
const RUNS_MAX_MS = 10_000
/** Until Redis is asked again to end claims that it may still have. */
const END_AGAIN_MS = 1_000
/** More than these are left to the end of the node. */
const ENDED_MAX = 100_000

const CONFLICT: Claim = { status: 'refused', code: 'CONFLICT', message: ERROR_CODES.CONFLICT.message }

export class Claims {
  private readonly namespace: RedisNamespace
  private readonly clock: Clock
  private readonly report: (error: unknown) => void
  private asked: Asked[] = []
  private readonly ended = new Set<string>()
  private cancelEnds: (() => void) | undefined
  private readonly writes = new Set<Promise<unknown>>()

  constructor(namespace: RedisNamespace, clock: Clock, report: (error: unknown) => void) {
    this.namespace = namespace
    this.clock = clock
    this.report = report
  }

  claim(key: AppendKey): Promise<Claim> {
    this.namespace.hasClaims = true
    return new Promise((resolve, reject) => {
      const digest = digestOf(key.scope, key.key)
      this.ended.delete(digest)
      this.add({ key, digest, startedAt: this.clock.monotonic(), resolve, reject })
    })
  }

  end(key: AppendKey): void {
    if (this.ended.size === 0 || this.cancelEnds) queueMicrotask(() => this.sendEnds())
    this.ended.add(digestOf(key.scope, key.key))
  }

  saveAck(key: AppendKey, ack: string): void {
    const { namespace } = this
    const digest = digestOf(key.scope, key.key)
    const window = String(namespace.limits.dedupeWindowMs)
    const print = shortPrint(key.fingerprint)
    this.track(namespace.ask('saveAck', [namespace.now, window, digest, secondOf(key.key), print, ack]))
  }

  async settled(): Promise<void> {
    if (this.cancelEnds) this.sendEnds()
    await Promise.allSettled(this.writes)
  }

  private add(asked: Asked): void {
    if (this.asked.length === 0) queueMicrotask(() => this.send())
    this.asked.push(asked)
  }

  private send(): void {
    const asked = this.asked
    this.asked = []
    for (const page of inPages(asked)) void this.sendPage(page)
  }

  private async sendPage(page: readonly Asked[]): Promise<void> {
    const { namespace } = this
    const wanted = page.flatMap(({ key, digest }) => [digest, secondOf(key.key), shortPrint(key.fingerprint)])
    const window = String(namespace.limits.dedupeWindowMs)
    try {
      const reply = await namespace.ask('claim', [namespace.node, namespace.now, window, ...wanted])
      // A repeat is acknowledged by what was stored the first time, so that must be as safe as if it were new.
      const isRepeat = page.some((_, i) => /^\d/.test(String(reply[1 + 2 * i])))
      if (isRepeat && !(await namespace.isConfirmed())) throw unavailable(new Error('Too few replicas confirm it'))
      for (const [i, asked] of page.entries()) this.settle(asked, String(reply[1 + 2 * i]), reply[2 + 2 * i])
    } catch (error) {
      // It may have taken effect, or still do so: then no other node would ever run the request.
      this.endLater(page.map(({ digest }) => digest))
      for (const { reject } of page) reject(error)
    }
  }

  private settle(asked: Asked, answer: string, ack: unknown): void {
    if (answer === 'conflict') return asked.resolve(CONFLICT)
    if (answer === 'runs') return this.retry(asked)
    if (answer !== 'new') {
      const [n, seq, ts] = answer.split(' ').map(Number) as [number, number, number]
      return asked.resolve({ status: 'duplicate', n, seq, ts, ...(typeof ack === 'string' ? { ack } : {}) })
    }
    asked.resolve({ status: 'new' })
  }

  private retry(asked: Asked): void {
    if (this.clock.monotonic() - asked.startedAt > RUNS_MAX_MS) {
      return asked.reject(unavailable(new Error('The same request still runs on another node')))
    }
    this.clock.after(RUNS_LOOK_MS, () => this.add(asked))
  }

  private sendEnds(): void {
    this.cancelEnds?.()
    this.cancelEnds = undefined
    const digests = [...this.ended]
    this.ended.clear()
    for (const page of inPages(digests)) {
      const ends = this.namespace.ask('endClaims', [this.namespace.node, ...page])
      this.track(
        ends.catch((error: unknown) => {
          this.endLater(page)
          throw error
        }),
      )
    }
  }

  /** What is claimed here again meanwhile stays. */
  private endLater(digests: readonly string[]): void {
    for (const digest of digests) if (this.ended.size < ENDED_MAX) this.ended.add(digest)
    this.cancelEnds ??= this.clock.after(END_AGAIN_MS, () => this.sendEnds())
  }

  private track(write: Promise<unknown>): void {
    const tracked = write.catch(this.report).finally(() => this.writes.delete(tracked))
    this.writes.add(tracked)
  }
}
