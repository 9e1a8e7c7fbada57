/**
 * A node's two connections to the documents in Redis. One has the mailbox, the lease, and the calls that change something:
 * each with a serial, and one at a time, so that after a broken connection the same call is sent again and takes effect
 * once. The other one reads, so that a large document delays no message and counts towards no bound of the mailbox.
 */
import { RoomfulError } from '@roomful/server'
import type { Clock } from '@roomful/server/ports'
import {
  Connection,
  ConnectionLostError,
  ELSEWHERE,
  type Library,
  type Redis,
  RefusedError,
} from '@roomful/server/redis'
import { numberOf } from './frames.ts'

/** The version of what stands in Redis. A newer one is another program's. */
const FORM = 1
const SILENCE_MS = 3_000
/** A probe waits behind a large document. */
const READER_SILENCE_MS = 10_000
const RENEW_MS = 1_000
const LOOK_MS = 250
const RETRY_MS = 1_000
/** Calls that wait for Redis. Changes of documents wait in one. */
const WAITING_MAX = 10_000

export interface LinkOptions {
  readonly redis: () => Promise<Redis>
  readonly library: () => Library
  /** Before every key. */
  readonly tag: string
  readonly node: string
  readonly clock: Clock
  /** Another time than Redis', for tests. */
  readonly time: (() => number) | undefined
  /** How long Redis has for a change, with all attempts; a question has a sixth of it. */
  readonly deadlineMs: number
  readonly onMessage: (message: Buffer) => void
  /** @param isKnown Redis still had this node's lease, so the other nodes did not take it for dead */
  readonly onJoined: (isKnown: boolean) => void
  /** Something that a person should know of. */
  readonly report: (error: unknown) => void
}

type Arguments = readonly (string | Buffer)[]

interface Waiting {
  readonly name: string
  readonly args: Arguments
  until: number
  readonly resolve: (reply: unknown[]) => void
  readonly reject: (error: unknown) => void
  /** Once it was sent. */
  serial?: number
}

export class RedisLink {
  private readonly options: LinkOptions
  private readonly main: Connection<Buffer>
  private readonly reader: Connection<Buffer>
  private readonly changes: Waiting[] = []
  private readonly questions = new Set<Waiting>()
  private serial = 0
  private k = 0
  private isJoined = false
  private readonly joined = Promise.withResolvers<void>()
  private wasJoined = false
  private isClosed = false
  private isClosing = false
  private patienceMs: number
  private cancelRenew: (() => void) | undefined
  private cancelLook: (() => void) | undefined

  constructor(options: LinkOptions) {
    this.options = options
    this.patienceMs = options.deadlineMs
    const { clock, redis, library, tag, node } = options
    const shared = { clock, redis, library, key: `${tag}docs`, silenceMs: SILENCE_MS, isBinary: true } as const
    const prepare = async () => undefined
    this.main = new Connection<Buffer>({
      ...shared,
      mailbox: `${tag}mb:${node}`,
      events: {
        prepare,
        onMessage: (message) => this.onMessage(message),
        onUp: () => this.onUp(),
        onDown: (cause) => this.onDown(cause),
      },
    })
    this.reader = new Connection<Buffer>({
      ...shared,
      silenceMs: READER_SILENCE_MS,
      mailbox: undefined,
      events: { prepare, onMessage: () => undefined, onUp: () => this.askAll(), onDown: () => undefined },
    })
    this.main.refusal.catch((error: unknown) => options.report(error))
    this.main.start()
    this.reader.start()
  }

  get now(): string {
    const { time } = this.options
    return time === undefined ? '' : String(time())
  }

  /** Resolves when the documents can be used, or Redis is away. @throws RefusedError (rejects) when they must not be */
  async opened(): Promise<void> {
    const { clock, deadlineMs } = this.options
    const cancel = clock.after(deadlineMs / 6, this.joined.resolve)
    await Promise.race([this.joined.promise, this.main.refusal]).finally(cancel)
  }

  /** A question that may be asked twice. @throws (rejects) RoomfulError UNAVAILABLE */
  ask(name: string, args: Arguments): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const { clock, deadlineMs } = this.options
      const until = clock.monotonic() + deadlineMs / 6
      const question: Waiting = { name, args, until, resolve, reject }
      if (!this.isFull(question, this.questions.size)) {
        this.questions.add(question)
        this.askOne(question)
      }
    })
  }

  /** A call that takes effect once; they run in this order. @throws (rejects) RoomfulError UNAVAILABLE */
  change(name: string, args: Arguments): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      const until = this.options.clock.monotonic() + this.patienceMs
      const call: Waiting = { name, args, until, resolve, reject }
      if (this.isFull(call, this.changes.length)) return
      this.changes.push(call)
      if (this.changes.length === 1) this.sendNext()
    })
  }

  /** Volatile: sent if that is possible now. Resolves when it has been, or is lost. */
  async signal(name: string, args: Arguments): Promise<void> {
    if (!this.isJoined) return
    try {
      this.checkLease(await this.main.call(name, [this.options.node, ...args]))
    } catch {
      // The next connection begins with the latest state.
    }
  }

  /** The server is about to close: what Redis does not answer soon is given up. */
  hurry(): void {
    const { clock, deadlineMs } = this.options
    this.patienceMs = deadlineMs / 6
    const until = clock.monotonic() + this.patienceMs
    for (const call of this.changes) call.until = Math.min(call.until, until)
  }

  /** What was handed over has its answer; then the node leaves, so that no other needs to clear up after it. */
  async close(): Promise<void> {
    if (this.isClosing) return
    this.isClosing = true
    const { clock, deadlineMs, node } = this.options
    const until = clock.monotonic() + deadlineMs / 6
    while (this.changes.length + this.questions.size > 0 && clock.monotonic() < until) {
      await new Promise<void>((resolve) => clock.after(5, resolve, true))
    }
    this.isClosed = true
    this.cancelRenew?.()
    this.cancelLook?.()
    try {
      while (this.isJoined && Number(await this.main.call('reap', [node, this.now, 'leave'])) === 1);
    } catch {
      // The lease ends by itself.
    }
    this.main.close()
    this.reader.close()
    for (const { reject } of [...this.changes.splice(0), ...this.questions]) reject(closed())
    this.questions.clear()
  }

  private isFull(call: Waiting, count: number): boolean {
    if (this.isClosed) call.reject(closed())
    else if (count >= WAITING_MAX) call.reject(unavailable(new Error('Redis does not keep up')))
    else {
      this.cancelLook ??= this.options.clock.after(LOOK_MS, () => this.look())
      return false
    }
    return true
  }

  private onMessage(message: Buffer): void {
    const k = numberOf(message)
    const isNext = k === this.k + 1 || !this.isJoined
    this.k = k
    this.options.onMessage(message)
    if (!isNext) this.main.break(new Error('Redis: a message did not come'))
  }

  private onUp(): void {
    this.join().catch((error: unknown) => {
      if (error instanceof RefusedError) this.main.refuse(error)
      else this.main.break(error)
    })
  }

  private async join(): Promise<void> {
    const { node, clock, onJoined } = this.options
    const reply = (await this.main.call('register', [node, this.now, String(FORM)])) as unknown[]
    if (String(reply[0]) === 'FORM') {
      throw new RefusedError(
        `Redis holds documents in form ${String(reply[1])}, and this version knows form ${FORM}. Start a newer version, or set ROOMFUL_REDIS_PREFIX to keep apart from it.`,
      )
    }
    // Messages after the registration may have been handled before its answer.
    this.k = Math.max(this.k, Number(reply[1]))
    this.isJoined = true
    this.cancelRenew?.()
    this.cancelRenew = clock.after(RENEW_MS, () => this.renew())
    const isKnown = reply[2] === 0
    const isFirst = !this.wasJoined
    this.wasJoined = true
    this.joined.resolve()
    this.askAll()
    this.sendNext()
    onJoined(isKnown || isFirst)
  }

  private onDown(cause: unknown): void {
    this.isJoined = false
    this.k = 0
    this.cancelRenew?.()
    if (!this.isClosed) this.options.report(cause)
  }

  /** Keeps the lease, and clears up after nodes whose own is over. */
  private renew(): void {
    const { clock, node } = this.options
    this.cancelRenew = clock.after(RENEW_MS, () => this.renew())
    this.main.call('renew', [node, this.now]).then(
      (reply) => {
        if (!this.checkLease(reply)) return
        const [, k, ...dead] = reply as unknown[]
        if (Number(k) > this.k) return this.main.break(new Error('Redis: a message did not come'))
        for (const each of dead) void this.reap(String(each))
      },
      () => undefined, // the connection sees to it
    )
  }

  private async reap(dead: string): Promise<void> {
    try {
      while (!this.isClosed && Number(await this.main.call('reap', [dead, this.now, ''])) === 1);
    } catch {
      // At the next renewal, or another node does.
    }
  }

  private sendNext(): void {
    const [call] = this.changes
    if (!call || !this.isJoined || this.isClosed) return
    call.serial ??= ++this.serial
    const { node } = this.options
    this.main.call(call.name, [node, String(call.serial), this.now, ...call.args]).then(
      (reply) => {
        if (this.checkLease(reply)) this.settle(call, () => call.resolve(reply as unknown[]))
      },
      (error: unknown) => this.onError(call, this.main, error),
    )
  }

  private settle(call: Waiting, tell: () => void): void {
    if (this.changes[0] !== call) return
    this.changes.shift()
    tell()
    this.sendNext()
  }

  private askAll(): void {
    for (const question of [...this.questions]) this.askOne(question)
  }

  private askOne(question: Waiting): void {
    if (!this.isJoined || !this.reader.up) return
    this.reader.call(question.name, question.args).then(
      (reply) => {
        if (!this.checkLease(reply) || !this.questions.delete(question)) return
        question.resolve(Array.isArray(reply) ? reply : [reply])
      },
      (error: unknown) => this.onError(question, this.reader, error),
    )
  }

  /** Whatever is not answered now is sent again on the next connection, until its time is over. */
  private onError(call: Waiting, connection: Connection<Buffer>, error: unknown): void {
    if (error instanceof ConnectionLostError) return
    if (error instanceof Error && ELSEWHERE.test(error.message)) return connection.break(error)
    if (this.questions.delete(call)) call.reject(unavailable(error))
    else this.settle(call, () => call.reject(unavailable(error)))
  }

  /** @returns false when the other nodes took this one for dead: it begins again */
  private checkLease(reply: unknown): boolean {
    if (!Array.isArray(reply) || String(reply[0]) !== 'REAPED') return true
    this.main.break(new Error('Redis: the lease of this node was over'))
    return false
  }

  private look(): void {
    this.cancelLook = undefined
    const now = this.options.clock.monotonic()
    const late = [...this.changes, ...this.questions].filter(({ until }) => until <= now)
    for (const call of late) {
      this.questions.delete(call)
      const at = this.changes.indexOf(call)
      if (at >= 0) this.changes.splice(at, 1)
      call.reject(unavailable(new Error('Redis did not answer in time')))
    }
    if (late.length > 0) this.sendNext()
    if (this.changes.length + this.questions.size > 0) {
      this.cancelLook = this.options.clock.after(LOOK_MS, () => this.look())
    }
  }
}

function unavailable(cause: unknown): RoomfulError {
  const message = `The documents cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`
  return new RoomfulError('UNAVAILABLE', message, { cause, retryAfterMs: RETRY_MS })
}

function closed(): RoomfulError {
  return unavailable(new Error('The server is shutting down'))
}
