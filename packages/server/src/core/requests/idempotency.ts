/**
 * Requests under a key: what is known of an earlier one, and which of them run now. A repeat gets the first acknowledgement
 * and its handler does not run; while the first one runs, it waits for how that ends. So what a handler does besides storing
 * happens once as well, unless the process is killed in the middle of it. G3.
 */
import { fromJson, keyTime, toJson } from '@roomful/protocol'
import { AckArgs } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { AppendKey, Awaitable, Broker, Claim, Repeated } from '../ports/broker.ts'

/** A longer one is not stored: a repeat runs its handler again, and what that appends is recognised by the key. */
const ACK_MAX_LENGTH = 4_096
/** When a client should try again after the log could not be asked. */
const RETRY_AFTER_MS = 1_000

/** A request that runs. Most have no repeat that waits for them. */
class Running {
  /** The log was asked, and knows that it runs. */
  readonly isClaimed: boolean
  private waiting: PromiseWithResolvers<void> | undefined

  constructor(isClaimed: boolean) {
    this.isClaimed = isClaimed
  }

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
   * What became of an earlier request under this key; at once where that is known at once, as it is for most, which are
   * new. From now on this one runs, and {@link end} must be called.
   * @returns nothing when there was none
   * @throws RoomfulError (also as a rejection) CONFLICT, UNAVAILABLE when the log cannot tell
   */
  begin(key: AppendKey): Awaitable<Repeated | undefined> {
    if (this.runningUnder(key)) return this.beginLater(key)
    const claim = this.claim(key)
    return claim instanceof Promise ? this.beginLater(key, claim) : this.begun(key, claim)
  }

  /**
   * For a request that does nothing but store, and is answered from what was stored: where to ask the log takes a round
   * trip, its append is the claim. Who fails before the append asks {@link find}.
   * @returns false when the request has to {@link begin}
   */
  startUnclaimed(key: AppendKey): boolean {
    if (!this.broker.isRemote || this.runningUnder(key)) return false
    this.run(key, false)
    return true
  }

  /** What became of an earlier request under the key of one that was not claimed. @throws (rejects) as {@link begin} */
  async find(key: AppendKey): Promise<Repeated | undefined> {
    const claim = await this.claim(key)
    if (claim.status === 'refused') throw new RoomfulError(claim.code, claim.message)
    if (claim.status === 'duplicate') return claim
    this.broker.endClaim(this.namespace, key)
    return undefined
  }

  private async beginLater(key: AppendKey, first?: Promise<Claim>): Promise<Repeated | undefined> {
    let claim = first && (await first)
    while (claim === undefined || this.runningUnder(key)) {
      await this.runningUnder(key)?.over
      claim = await this.claim(key)
    }
    return this.begun(key, claim)
  }

  private begun(key: AppendKey, claim: Claim): Repeated | undefined {
    if (claim.status === 'refused') throw new RoomfulError(claim.code, claim.message)
    this.run(key)
    return claim.status === 'duplicate' ? claim : undefined
  }

  /**
   * It was acknowledged or refused: its repeats may look what is stored.
   * @param hasStored something was stored under the key
   */
  end(appendKey: AppendKey, hasStored: boolean): void {
    const { scope, key } = appendKey
    const inScope = this.running.get(scope)
    const running = inScope?.get(key)
    inScope?.delete(key)
    if (inScope?.size === 0) this.running.delete(scope)
    if (!hasStored && running?.isClaimed) this.broker.endClaim(this.namespace, appendKey)
    running?.end()
  }

  private runningUnder({ scope, key }: AppendKey): Running | undefined {
    return this.running.get(scope)?.get(key)
  }

  private run({ scope, key }: AppendKey, isClaimed = true): void {
    const running = new Running(isClaimed)
    const inScope = this.running.get(scope)
    if (inScope) inScope.set(key, running)
    else this.running.set(scope, new Map([[key, running]]))
  }

  /** Stores an acknowledgement that was known only after the commit. */
  save(key: AppendKey, value: unknown): void {
    const ack = writeAck(value)
    if (ack !== undefined) this.broker.saveAck(this.namespace, key, ack)
  }

  private claim(key: AppendKey): Awaitable<Claim> {
    const failed = (cause: unknown): never => {
      throw new RoomfulError('UNAVAILABLE', undefined, { cause, retryAfterMs: RETRY_AFTER_MS })
    }
    try {
      const claim = this.broker.claim(this.namespace, key)
      return claim instanceof Promise ? claim.catch(failed) : claim
    } catch (error) {
      return failed(error)
    }
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
