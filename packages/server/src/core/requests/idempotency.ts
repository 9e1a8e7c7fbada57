/**
 * Requests under a key: what is known of an earlier one, and which of them run now. A repeat is answered with the first
 * reply and its handler does not run, also when the first one still does: then it waits for how that ends. So what a
 * handler does besides storing happens once as well, unless the process is killed in the middle of it. G3.
 */
import { fromJson, keyTime, toJson } from '@roomful/protocol'
import { AckArgs } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { AppendKey, Broker, Repeated } from '../ports/broker.ts'

/** A longer reply is not kept: its handler is asked again, and what it would add is recognised by the key. */
const REPLY_MAX = 4_096
/** How long to wait before a log that could not tell is asked again. */
const RETRY_AFTER_MS = 1_000

/** A request that runs; few are waited for. */
class Running {
  private waiting: PromiseWithResolvers<void> | undefined

  get over(): Promise<void> {
    this.waiting ??= Promise.withResolvers<void>()
    return this.waiting.promise
  }

  end(): void {
    this.waiting?.resolve()
  }
}

export class Idempotency {
  private readonly broker: Broker
  private readonly namespace: string
  /**
   * By scope, then by key: one text of both would be made and hashed three times for each request. Bound: one per request
   * that runs or waits for its commit.
   */
  private readonly running = new Map<string, Map<string, Running>>()

  constructor(broker: Broker, namespace: string) {
    this.broker = broker
    this.namespace = namespace
  }

  /**
   * Most keys are new, and the broker knows it at once: then nothing is waited for. From now on this request runs, and
   * {@link end} must be called.
   * @returns false when it takes {@link begin}
   */
  beginNew(key: AppendKey): boolean {
    if (this.runningUnder(key) || !this.broker.isNewKey(this.namespace, key)) return false
    this.run(key)
    return true
  }

  /**
   * What became of an earlier request under this key. From now on this one runs, and {@link end} must be called.
   * @returns nothing when there was none
   * @throws RoomfulError (rejects) CONFLICT, UNAVAILABLE when the log cannot tell
   */
  async begin(key: AppendKey): Promise<Repeated | undefined> {
    for (;;) {
      await this.runningUnder(key)?.over
      const found = await this.find(key)
      if (this.runningUnder(key)) continue
      this.run(key)
      return found
    }
  }

  /** It is answered, or was refused: who waits for it may look. */
  end({ scope, key }: AppendKey): void {
    const inScope = this.running.get(scope)
    const running = inScope?.get(key)
    inScope?.delete(key)
    if (inScope?.size === 0) this.running.delete(scope)
    running?.end()
  }

  private runningUnder({ scope, key }: AppendKey): Running | undefined {
    return this.running.get(scope)?.get(key)
  }

  private run({ scope, key }: AppendKey): void {
    const inScope = this.running.get(scope)
    if (inScope) inScope.set(key, new Running())
    else this.running.set(scope, new Map([[key, new Running()]]))
  }

  /** Keeps what was known only after the commit. */
  save(key: AppendKey, answer: unknown): void {
    const reply = writeReply(answer)
    if (reply !== undefined) this.broker.saveReply(this.namespace, key, reply)
  }

  private async find(key: AppendKey): Promise<Repeated | undefined> {
    const found = await this.broker.findKey(this.namespace, key).catch((cause: unknown) => {
      throw new RoomfulError('UNAVAILABLE', undefined, { cause, retryAfterMs: RETRY_AFTER_MS })
    })
    if (found?.status === 'refused') throw new RoomfulError(found.code, found.message)
    return found?.status === 'duplicate' ? found : undefined
  }
}

/**
 * An answer as it is kept; several values and none at all have forms of their own.
 * @returns nothing when it is too long
 * @throws what JSON cannot say: cycles, BigInt
 */
export function writeReply(answer: unknown): string | undefined {
  const text = answer instanceof AckArgs ? `*${toJson(answer.values)}` : answer === undefined ? '' : toJson(answer)
  return text.length <= REPLY_MAX ? text : undefined
}

/** The answer that was kept. */
export function readReply(reply: string): unknown {
  if (reply === '') return undefined
  return reply.startsWith('*') ? new AckArgs(fromJson(reply.slice(1)) as unknown[]) : fromJson(reply)
}

/** A repeat of something that is remembered no longer could not be told from a new request. @throws RoomfulError EXPIRED */
export function checkKeyAge({ clock, settings }: Runtime, key: string): void {
  const time = keyTime(key)
  if (time !== undefined && clock.now() - time > settings.dedupeWindowMs) throw new RoomfulError('EXPIRED')
}
