/**
 * A message that the server writes in pieces. What is appended within a turn is one piece; while one is being stored, the
 * next gathers, so that a slow log has fewer and longer ones. D17.
 */
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Timer } from '../base/timer-wheel.ts'
import type { EndState } from '../events/growing-text.ts'
import type { Changed, FactChange } from '../ports/broker.ts'
import { fragmentOf } from '../ports/facts.ts'

/** How a message ended, and how long it is. */
export interface EndedMessage {
  readonly state: EndState
  /** In UTF-16 units. */
  readonly length: number
}

/** What the stream is made of. */
export interface StreamOf {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly ts: number
  /** What is there already. */
  readonly length: number
}

/** Where it is stored. */
export interface StreamTarget {
  change(roomId: string, change: FactChange): Promise<Changed>
  end(roomId: string, seq: number, length: number, ending: EndRequest): Promise<EndedMessage>
  /** What makes the text threw. */
  failed(error: unknown): void
  /** It has ended, and is not written here any more. */
  release(): void
}

/** How a message is to end. */
export interface EndRequest {
  readonly state: EndState
  readonly reason?: string | undefined
  readonly extra?: unknown
  /** Who ends it, where that is not its writer. */
  readonly userId?: string | undefined
  /** Whose event the end is. */
  readonly by?: string | undefined
}

/** How long until what the log did not take is tried again. */
const RETRY_MS = 500

export class MessageStream {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly ts: number
  private readonly runtime: Runtime
  private readonly target: StreamTarget
  private readonly aborting = new AbortController()
  private stored: number
  private pending = ''
  private ended: EndedMessage | undefined
  private isEnding = false
  private isPlanned = false
  private underWay: Promise<void> | undefined
  private keepAlive: Timer | undefined
  private lastAt: number

  constructor(runtime: Runtime, { id, roomId, seq, ts, length }: StreamOf, target: StreamTarget, ended?: EndedMessage) {
    this.runtime = runtime
    this.target = target
    this.id = id
    this.roomId = roomId
    this.seq = seq
    this.ts = ts
    this.stored = length
    this.ended = ended
    this.lastAt = runtime.clock.now()
    if (ended) {
      this.aborting.abort()
      target.release()
    } else this.watch()
  }

  /** Aborted when the message was stopped, or has ended in another way: give it to whatever makes the text. */
  get signal(): AbortSignal {
    return this.aborting.signal
  }

  /** `streaming` until it ends. */
  get state(): 'streaming' | EndState {
    return this.ended?.state ?? 'streaming'
  }

  /** Of the text so far, in UTF-16 units. */
  get length(): number {
    return this.stored + this.pending.length
  }

  /**
   * Adds to the text; members get it with this turn. Does nothing once the message has ended.
   * @throws RoomfulError TOO_LARGE
   */
  append(text: string): void {
    if (this.ended || this.isEnding || text === '') return
    const { streamMaxLength } = this.runtime.settings
    if (this.length + text.length > streamMaxLength) {
      throw new RoomfulError('TOO_LARGE', `A message has at most ${streamMaxLength} characters`)
    }
    this.pending += text
    this.flushSoon()
  }

  /**
   * Appends what a source gives, and completes; when it was stopped, it only ends. Never rejects: a source that fails
   * interrupts the message.
   */
  async write(source: AsyncIterable<string>): Promise<EndedMessage> {
    try {
      for await (const text of source) {
        if (this.ended) break
        this.append(text)
      }
      return await this.complete()
    } catch (error) {
      if (!this.ended) this.target.failed(error)
      return await this.end({ state: 'interrupted', reason: toRoomfulError(error).message })
    }
  }

  /**
   * Ends the message. @param extra what the end carries beside the text
   * @returns how it ended, which may be another way: it was stopped before
   * @throws RoomfulError (rejects) UNAVAILABLE
   */
  complete(extra?: unknown): Promise<EndedMessage> {
    return this.end({ state: 'complete', extra })
  }

  /** Ends the message before it is whole; what there is of it stays. @throws RoomfulError (rejects) UNAVAILABLE */
  cancel(reason?: string): Promise<EndedMessage> {
    return this.end({ state: 'cancelled', reason })
  }

  /** Resolves when everything so far is stored. */
  async flushed(): Promise<void> {
    while (!this.ended && (this.pending !== '' || this.underWay)) {
      if (!this.underWay) this.flush()
      await this.underWay
    }
  }

  /** Another one ended it, or this did. */
  hasEnded(ended: EndedMessage): void {
    if (this.ended) return
    this.ended = ended
    this.pending = ''
    this.stored = ended.length
    this.runtime.timers.cancel(this.keepAlive)
    if (!this.isEnding) this.aborting.abort(new RoomfulError('CONFLICT', `The message has ended: ${ended.state}`))
    this.target.release()
  }

  private async end(request: EndRequest): Promise<EndedMessage> {
    if (this.ended) return this.ended
    this.isEnding = true
    await this.flushed()
    if (this.ended) return this.ended
    const ended = await this.target.end(this.roomId, this.seq, this.stored, request)
    this.hasEnded(ended)
    return this.ended ?? ended
  }

  private flushSoon(): void {
    if (this.isPlanned || this.underWay) return
    this.isPlanned = true
    this.runtime.turn.after(() => {
      this.isPlanned = false
      this.flush()
    })
  }

  private flush(): void {
    if (this.underWay || this.ended) return
    this.underWay = this.store().finally(() => {
      this.underWay = undefined
      if (this.pending !== '') this.flushSoon()
    })
  }

  private async store(): Promise<void> {
    const { roomId, seq, stored: at } = this
    const text = wholeCharacters(this.pending)
    this.lastAt = this.runtime.clock.now()
    try {
      const { version } = await this.target.change(roomId, {
        kind: 'extend',
        seq,
        at,
        fragment: fragmentOf(text),
        length: text.length,
      })
      this.took(version)
    } catch (error) {
      if (this.ended) return
      const { code, details } = toRoomfulError(error)
      // Of a piece whose answer was lost a part may be there: what is there is not sent again.
      if (typeof details?.length === 'number') return this.took(details.length)
      if (code === 'CONFLICT' || code === 'NOT_FOUND') return this.hasEnded({ state: 'cancelled', length: at })
      await new Promise<void>((resolve) => this.runtime.timers.add(RETRY_MS, resolve))
    }
  }

  private took(length: number): void {
    if (this.ended) return
    this.pending = this.pending.slice(Math.max(0, length - this.stored))
    this.stored = Math.max(this.stored, length)
  }

  /** A writer that only thinks is not gone. */
  private watch(): void {
    const everyMs = this.runtime.settings.streamIdleMs / 3
    this.keepAlive = this.runtime.timers.add(everyMs, () => {
      if (this.ended) return
      if (this.runtime.clock.now() - this.lastAt >= everyMs) this.flush()
      this.watch()
    })
  }
}

/** The first half of a character waits for the second: not every client can join them. */
function wholeCharacters(text: string): string {
  const last = text.charCodeAt(text.length - 1)
  return text.length > 1 && last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text
}
