/**
 * Brings two streams into one order: answers of the node's own calls, and messages that others' calls put into its mailbox.
 * A message carries its number `k` and the node's latest call `c` that was executed before it; an answer carries the `k` of
 * the latest message before it. So whatever the client library or a second connection does to their order of arrival, each
 * is released after what was committed before it. No input or output happens here.
 */
export interface Release<Answer, Message> {
  onAnswer(serial: number, answer: Answer): void
  onMessage(k: number, message: Message): void
  /**
   * An answer that was not released yet, on a connection that is gone: the message that it waited for is lost, and what it
   * says may be so no more. The call is to be asked again.
   */
  onForgotten(serial: number): void
  /** A message did not come, or came twice: what was missed can only be read from the log. */
  onBreak(why: string): void
}

export interface SequencerClock {
  after(ms: number, fn: () => void): () => void
}

/** How long a message may be late behind something that was committed after it. */
const MISSING_MS = 1_000

interface Answered<Answer> {
  /** Nothing for a call that was given up: it waits for no message. */
  readonly k: number | undefined
  readonly answer: Answer
}

export class Sequencer<Answer, Message> {
  private readonly release: Release<Answer, Message>
  private readonly clock: SequencerClock
  /** The latest message and call that were released; nothing before them is waited for. */
  private k = 0
  private serial = 0
  private readonly answers = new Map<number, Answered<Answer>>()
  private readonly messages = new Map<number, { readonly c: number; readonly message: Message }>()
  /** What wants to run once message `k` is released. */
  private readonly waiting: { readonly k: number; readonly run: () => void; readonly onLost: () => void }[] = []
  private isReleasing = false
  private isBroken = true
  private cancel: (() => void) | undefined
  private missing = 0

  constructor(release: Release<Answer, Message>, clock: SequencerClock) {
    this.release = release
    this.clock = clock
  }

  /** A connection is new: `k` messages were sent before it, and those after it may have come already. */
  restart(k: number): void {
    this.stopWaiting()
    this.isBroken = false
    this.k = k
    for (const each of this.messages.keys()) if (each <= k) this.messages.delete(each)
    this.run()
  }

  /** The connection is gone. What comes now is of the next one, and waits for {@link restart}. */
  stop(): void {
    this.isBroken = true
    this.stopWaiting()
    this.messages.clear()
    for (const { onLost } of this.waiting.splice(0)) onLost()
    for (const [serial, { k }] of [...this.answers]) {
      if (k === undefined) continue
      this.answers.delete(serial)
      this.release.onForgotten(serial)
    }
  }

  answer(serial: number, k: number, answer: Answer): void {
    if (serial <= this.serial || this.answers.has(serial)) return
    this.answers.set(serial, { k, answer })
    this.run()
  }

  /** The call will have no answer: later ones do not wait for it. */
  giveUp(serial: number, answer: Answer): void {
    if (serial <= this.serial) return
    this.answers.set(serial, { k: undefined, answer })
    this.run()
  }

  message(k: number, c: number, message: Message): void {
    if (this.isBroken) return void this.messages.set(k, { c, message })
    if (k <= this.k || this.messages.has(k)) return this.break(`message ${k} came twice`)
    this.messages.set(k, { c, message })
    this.run()
  }

  /**
   * Runs `fn` in the place of an answer that is no call's of its own: after message `k`.
   * @param onLost instead, when a message before it is lost
   */
  after(k: number, fn: () => void, onLost: () => void = fn): void {
    if (this.isBroken) return onLost()
    if (k <= this.k) return fn()
    this.waiting.push({ k, run: fn, onLost })
    this.watch()
  }

  get isWaiting(): boolean {
    return this.messages.size > 0 || this.answers.size > 0 || this.waiting.length > 0
  }

  /** What is released may hand in more, which takes its turn. */
  private run(): void {
    if (this.isReleasing) return
    this.isReleasing = true
    try {
      while (this.releaseAnswer() || this.releaseMessage());
    } finally {
      this.isReleasing = false
    }
    this.watch()
  }

  private releaseAnswer(): boolean {
    const serial = this.serial + 1
    const next = this.answers.get(serial)
    if (next === undefined || (next.k ?? 0) > this.k) return false
    this.answers.delete(serial)
    this.serial = serial
    this.release.onAnswer(serial, next.answer)
    return true
  }

  private releaseMessage(): boolean {
    const k = this.k + 1
    const next = this.messages.get(k)
    if (this.isBroken || next === undefined || next.c > this.serial) return false
    this.messages.delete(k)
    this.k = k
    this.release.onMessage(k, next.message)
    for (let i = 0; i < this.waiting.length; ) {
      const waiter = this.waiting[i]
      if (waiter === undefined || waiter.k > this.k) i++
      else {
        this.waiting.splice(i, 1)
        waiter.run()
      }
    }
    return true
  }

  /** While something waits for a message, that message has a second to come; a call has its own deadline. */
  private watch(): void {
    const isMissing = !this.isBroken && !this.messages.has(this.k + 1) && this.isAhead()
    if (!isMissing) return this.stopWaiting()
    if (this.cancel && this.missing === this.k + 1) return
    this.stopWaiting()
    this.missing = this.k + 1
    this.cancel = this.clock.after(MISSING_MS, () => {
      this.cancel = undefined
      this.break(`message ${this.missing} did not come`)
    })
  }

  private isAhead(): boolean {
    return this.messages.size > 0 || this.waiting.length > 0 || (this.answers.get(this.serial + 1)?.k ?? 0) > this.k
  }

  private stopWaiting(): void {
    this.cancel?.()
    this.cancel = undefined
  }

  private break(why: string): void {
    this.stop()
    this.release.onBreak(why)
  }
}
