/**
 * Calls that change something, each with a serial of this node: Redis executes a serial once and keeps its answer, so after
 * a broken connection all that are open are sent again, and none of them can take effect twice. What Redis does not answer
 * in time is reported as unknown, and its serial is never sent again.
 */
import type { Clock } from '../../../core/ports/system.ts'
import { type Connection, ConnectionLostError } from './connection.ts'
import type { FunctionName } from './library.ts'
import { type Frame, parseFrames, parseMessage } from './rows.ts'
import { Sequencer } from './sequencer.ts'

/** What became of a call. */
export type Outcome =
  | { readonly status: 'done'; readonly reply: readonly unknown[] }
  /** It did not take effect. */
  | { readonly status: 'failed'; readonly error: unknown }
  /** It took effect, but too few replicas are known to have it: a failover may take it back. */
  | { readonly status: 'unconfirmed'; readonly reply: readonly unknown[]; readonly error: unknown }
  /** It may have taken effect. */
  | { readonly status: 'unknown'; readonly error: unknown }

interface Call {
  readonly serial: number
  readonly name: FunctionName
  readonly args: readonly (string | Buffer)[]
  readonly startedAt: number
  readonly onOutcome: (outcome: Outcome) => void
  /** It has left this process at least once. */
  wasSent: boolean
  /** Known, and not released yet: it waits for what was committed before it. */
  outcome?: Outcome | undefined
}

export interface CallsOptions {
  readonly node: string
  readonly clock: Clock
  readonly connection: Connection
  /** How long Redis has to answer, with all attempts. */
  readonly deadlineMs: number
  /** Whether replicas have what stood before this call and it; without it no one asks. */
  readonly confirm?: ((serial: number) => Promise<boolean>) | undefined
  /** One after another, in the order of commits. */
  readonly onFrames: (frames: readonly Frame[]) => void
}

const LOOK_MS = 250
/** What was acknowledged of these must not be lost. */
const CONFIRMED: ReadonlySet<FunctionName> = new Set(['append', 'redact'])
/** Redis keeps the answers of the latest 64 calls. */
const IN_FLIGHT_MAX = 48
/** Redis answers, but cannot do it now or here; the next connection may. */
export const ELSEWHERE =
  /^(MOVED|ASK|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOSCRIPT|UNBLOCKED|NOREPLICAS)|Function not found/
/** Redis refused before anything ran. */
const REFUSED = /^(OOM|NOPERM|NOAUTH|MISCONF|WRONGPASS)/

export class Calls {
  private readonly options: CallsOptions
  private readonly sequencer: Sequencer<() => void, string>
  /** Those that are not released yet, by serial. */
  private readonly open = new Map<number, Call>()
  private serial = 0
  /** Serials are sent in order, so this is the latest. */
  private sent = 0
  /** Calls of before have been sent again: none may overtake them, or Redis would take them for old. */
  private isUp = false
  /** Answers of an earlier connection are not waited for: the call is sent again. */
  private connections = 0
  /** Redis had executed calls up to this one when the connection was new. */
  private executed = 0
  private answered = 0
  private cancelLook: (() => void) | undefined

  constructor(options: CallsOptions) {
    this.options = options
    this.sequencer = new Sequencer(
      {
        onAnswer: (_serial, tell) => tell(),
        onMessage: (_k, frames) => options.onFrames(parseFrames(frames)),
        onForgotten: (serial) => this.forget(serial),
        onBreak: (why) => options.connection.break(new Error(`Redis: ${why}`)),
      },
      options.clock,
    )
  }

  /** The latest serial that Redis may have seen. */
  get latestSent(): number {
    return this.sent
  }

  /** The latest serial that Redis has answered. */
  get latestAnswered(): number {
    return this.answered
  }

  get isIdle(): boolean {
    return this.open.size === 0 && !this.sequencer.isWaiting
  }

  onMessage(text: string): void {
    const { k, c, frames } = parseMessage(text)
    this.sequencer.message(k, c, frames)
  }

  /** `onOutcome` is called once, in its place among what other nodes did. */
  start(name: FunctionName, args: readonly (string | Buffer)[], onOutcome: (outcome: Outcome) => void): void {
    const call = {
      serial: ++this.serial,
      name,
      args,
      startedAt: this.options.clock.monotonic(),
      onOutcome,
      wasSent: false,
    }
    this.open.set(call.serial, call)
    this.sendNext()
    this.cancelLook ??= this.options.clock.after(LOOK_MS, () => this.look())
  }

  /** Runs in the place of an answer that was given after message `k`. @param onLost instead, when a message is lost */
  after(k: number, fn: () => void, onLost?: () => void): void {
    this.sequencer.after(k, fn, onLost)
  }

  onDown(): void {
    this.isUp = false
    this.connections++
    this.sequencer.stop()
  }

  /** The connection is new: Redis has sent `k` messages and executed calls up to `c` before it. */
  onJoined(k: number, c: number): void {
    this.executed = c
    this.sequencer.restart(k)
  }

  /** What has no answer is sent again. */
  onUp(): void {
    this.isUp = true
    for (const call of this.open.values()) if (call.wasSent && !call.outcome) this.send(call)
    this.sendNext()
  }

  /** Whatever has no answer yet gets none. */
  close(error: unknown): void {
    this.cancelLook?.()
    for (const call of [...this.open.values()]) {
      if (call.outcome) this.release(call, call.outcome)
      else this.giveUp(call, error)
    }
  }

  /** It is sent again: Redis answers a call that it has executed as it did before, and executes one that it has lost. */
  private forget(serial: number): void {
    const call = this.open.get(serial)
    if (call) call.outcome = undefined
  }

  /** As many at once as Redis keeps answers for, and fewer. */
  private sendNext(): void {
    if (!this.isUp) return
    for (let serial = this.sent + 1; serial <= this.serial; serial++) {
      const call = this.open.get(serial)
      if (call && serial - this.firstOpen >= IN_FLIGHT_MAX) return
      this.sent = serial
      if (!call) continue
      call.wasSent = true
      this.send(call)
    }
  }

  private get firstOpen(): number {
    for (const serial of this.open.keys()) return serial
    return this.serial + 1
  }

  private send(call: Call): void {
    const { connection, node } = this.options
    const { connections } = this
    connection.call(call.name, [node, String(call.serial), ...call.args]).then(
      (reply) => this.connections === connections && this.onReply(call, reply as unknown[]),
      (error: unknown) => this.connections === connections && this.onError(call, error),
    )
  }

  private onReply(call: Call, reply: readonly unknown[]): void {
    if (!this.isPending(call)) {
      // It was given up, and took effect: what it stored is known to other nodes alone until the heads are read.
      if (reply[0] === 'OK') this.options.connection.break(new Error('Redis: a call took effect after its deadline'))
      return
    }
    switch (reply[0]) {
      case 'REAPED':
        return this.options.connection.break(new Error('Redis: the lease of this node was over'))
      case 'LOST':
        return this.finish(call, { status: 'unknown', error: new Error('Its answer is not kept any more') })
      default:
        this.answered = Math.max(this.answered, call.serial)
        if (this.options.confirm && CONFIRMED.has(call.name)) void this.hold(call, reply, this.options.confirm)
        else this.finish(call, { status: 'done', reply }, this.placeOf(call, reply))
    }
  }

  /**
   * What was sent before a call that Redis had executed before this connection was new, it has sent before that too. The
   * number in the answer may be of a mailbox that was counted from the start again since: the node was reaped.
   */
  private placeOf({ serial }: Call, reply: readonly unknown[]): number {
    return serial <= this.executed ? 0 : Number(reply[1])
  }

  /** Until replicas have it. When the connection breaks first, the call is sent again, and executed again where it is lost. */
  private async hold(call: Call, reply: readonly unknown[], confirm: (serial: number) => Promise<boolean>) {
    const { connections } = this
    const isConfirmed = await confirm(call.serial)
    if (!this.isPending(call) || this.connections !== connections) return
    const error = new Error('Too few replicas confirmed it')
    this.finish(
      call,
      isConfirmed ? { status: 'done', reply } : { status: 'unconfirmed', reply, error },
      this.placeOf(call, reply),
    )
  }

  private onError(call: Call, error: unknown): void {
    if (!this.isPending(call) || error instanceof ConnectionLostError) return
    const message = error instanceof Error ? error.message : ''
    if (ELSEWHERE.test(message)) return this.options.connection.break(error)
    this.finish(call, { status: REFUSED.test(message) ? 'failed' : 'unknown', error })
  }

  private isPending({ serial, outcome }: Call): boolean {
    return outcome === undefined && this.open.has(serial)
  }

  private finish(call: Call, outcome: Outcome, k?: number): void {
    call.outcome = outcome
    this.release(call, outcome, k)
  }

  /** @param k of the latest message before it; without it, it waits for none */
  private release(call: Call, outcome: Outcome, k?: number): void {
    const tell = () => {
      this.open.delete(call.serial)
      call.onOutcome(outcome)
      this.sendNext()
    }
    if (k === undefined) this.sequencer.giveUp(call.serial, tell)
    else this.sequencer.answer(call.serial, k, tell)
  }

  private giveUp(call: Call, error: unknown): void {
    this.finish(call, { status: call.wasSent ? 'unknown' : 'failed', error })
  }

  private look(): void {
    this.cancelLook = undefined
    const oldest = this.options.clock.monotonic() - this.options.deadlineMs
    for (const call of [...this.open.values()]) {
      if (call.startedAt > oldest) break
      if (call.outcome) continue
      this.giveUp(call, new Error('Redis did not answer in time'))
    }
    if (this.open.size > 0) this.cancelLook = this.options.clock.after(LOOK_MS, () => this.look())
  }
}
