/**
 * Requests under a key: what is known of an earlier one, and which of them run now. A repeat gets the first acknowledgement
 * and its handler does not run; while the first one runs, it waits for how that ends. So what a handler does besides storing
 * happens once as well, unless the process is killed in the middle of it. G3.
 */
import { fromJson, keyTime, toJson } from '@roomful/protocol'
import { AckArgs } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { AppendKey, Broker, Repeated } from '../ports/broker.ts'

/** A longer one is not stored: a repeat runs its handler again, and what that appends is recognised by the key. */
const ACK_MAX_LENGTH = 4_096
/** When a client should try again after the log could not be asked. */
const RETRY_AFTER_MS = 1_000

/** A request that runs. Most have no repeat that waits for them. */
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
   * @returns false when the log has to be asked: see {@link begin}
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

  /** It was acknowledged or refused: its repeats may look what is stored. */
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

  /** Stores an acknowledgement that was known only after the commit. */
  save(key: AppendKey, value: unknown): void {
    const ack = writeAck(value)
    if (ack !== undefined) this.broker.saveReply(this.namespace, key, ack)
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
 * An acknowledgement as it is stored; several values and none at all have forms of their own.
 * @returns nothing when it is too long
 * @throws what JSON cannot say: cycles, BigInt
 */
export function writeAck(value: unknown): string | undefined {
  const text = value instanceof AckArgs ? `*${toJson(value.values)}` : value === undefined ? '' : toJson(value)
  return text.length <= ACK_MAX_LENGTH ? text : undefined
}

/** The acknowledgement that was stored. */
export function readAck(text: string): unknown {
  if (text === '') return undefined
  return text.startsWith('*') ? new AckArgs(fromJson(text.slice(1)) as unknown[]) : fromJson(text)
}

/** A repeat that comes after its key was forgotten would look like a new request. @throws RoomfulError EXPIRED */
export function checkKeyAge({ clock, settings }: Runtime, key: string): void {
  const time = keyTime(key)
  if (time !== undefined && clock.now() - time > settings.dedupeWindowMs) throw new RoomfulError('EXPIRED')
}
