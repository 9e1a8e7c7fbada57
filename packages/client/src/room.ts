/**
 * A room as one part of an application holds it. It lives through reconnects; its listeners are attached once and go when it
 * is released. Any number may hold the same room: there is one membership behind them, left when the last lets go.
 */
import type { Position } from '@roomful/protocol'
import type { EventMeta, ReceivedEvent } from './frames.ts'
import type { LazyOutbox } from './lazy-outbox.ts'
import { callListener } from './listener.ts'
import type { Membership } from './membership.ts'
import type { RequestOptions, Requests } from './requests.ts'
import type { RoomSnapshot } from './room-snapshot.ts'
import type { AnyContract, DownEvent, DownListener, HasChat } from './types.ts'
import type { Member, Reset, UpAck } from './vocabulary.ts'

export interface RoomOptions {
  readonly membership: Membership
  readonly requests: Requests
  readonly outbox: LazyOutbox
  readonly release: () => void
}

/** One page of a room's past, oldest first. */
export interface HistoryPage {
  readonly events: readonly ReceivedEvent[]
  /** There is more in the direction that was asked for. */
  readonly more: boolean
}

/** What a room has only where its namespace has the chat events. */
export type ChatMethods = 'send' | 'edit' | 'redact' | 'react' | 'removeReaction' | 'typing' | 'stopTyping'

/** A room as an application with this contract holds it. */
export type RoomOf<C extends AnyContract = undefined> = HasChat<C> extends true ? Room<C> : Omit<Room<C>, ChatMethods>

export class Room<C extends AnyContract = undefined> {
  readonly id: string
  readonly #options: RoomOptions
  readonly #offs = new Set<() => void>()
  #isReleased = false

  /** Made by `client.room()`. */
  constructor(options: RoomOptions) {
    this.#options = options
    this.id = options.membership.roomId
  }

  /** Resolves when the server let us in, rejects when it refused; nobody has to wait for it. */
  get ready(): Promise<void> {
    const joined = this.#options.membership.joined()
    joined.catch(() => undefined) // the snapshot tells it too
    return joined
  }

  /** The users in the room, the first ones of a large one; `getSnapshot().count` counts all. */
  get members(): readonly Member[] {
    return this.getSnapshot().members
  }

  /** Number of the last event that was handed on, and of which log; `undefined` before the first answer to a join. */
  get position(): Position | undefined {
    const { epoch, seq } = this.#options.membership.standing
    return epoch === undefined || seq === undefined ? undefined : { epoch, seq }
  }

  /** Status, members and typists as one value, for rendering: the same object until something changes. */
  readonly getSnapshot = (): RoomSnapshot => this.#options.membership.getSnapshot()

  /** @returns what ends it */
  readonly subscribe = (onChange: () => void): (() => void) =>
    this.#keep(this.#options.membership.own.on('change', onChange))

  /** Calls `listener` for each such event of this room: a durable one once, in order, also across reconnects. */
  on<Name extends DownEvent<C>>(event: Name, listener: DownListener<C, Name>): () => void {
    return this.#keep(this.#options.membership.events.on(event, (received) => callListener(listener, received)))
  }

  /** Something was missed for good: load what is to be shown from `history()`. */
  onReset(listener: (reset: Reset) => void): () => void {
    return this.#keep(this.#options.membership.own.on('reset', listener))
  }

  /** Calls `listener` instead of those of `meta.event` for one that is replayed after what it said was taken back. */
  onRedacted(listener: (meta: EventMeta) => void): () => void {
    return this.#keep(this.#options.membership.own.on('redacted', listener))
  }

  /** Says something; waits in the outbox until the server has stored it, exactly once. */
  send(
    content: string,
    { replyTo, ...options }: RequestOptions & { replyTo?: string } = {},
  ): Promise<UpAck<'message:send'>> {
    this.stopTyping()
    return this.#enqueue('message:send', { content, ...(replyTo === undefined ? {} : { replyTo }) }, options)
  }

  /** Changes a message of one's own, by its number. */
  edit(seq: number, content: string, options: RequestOptions = {}): Promise<UpAck<'message:edit'>> {
    return this.#enqueue('message:edit', { seq, content }, options)
  }

  /** Takes a message back, by its number. */
  redact(seq: number, options: RequestOptions = {}): Promise<UpAck<'message:redact'>> {
    return this.#enqueue('message:redact', { seq }, options)
  }

  /** Reacts to a message, which is kept, or to what is happening, which is not. */
  react(emoji: string, messageId?: string): Promise<UpAck<'reaction:send'>> {
    if (messageId !== undefined) return this.#enqueue('reaction:send', { emoji, messageId }, {})
    return this.#options.requests.call('reaction:send', [{ roomId: this.id, emoji }]) as Promise<UpAck<'reaction:send'>>
  }

  /** Takes a reaction to a message back. */
  removeReaction(emoji: string, messageId: string): Promise<UpAck<'reaction:remove'>> {
    return this.#enqueue('reaction:remove', { emoji, messageId }, {})
  }

  /** Call it at each keystroke: the others see it until 2 s pass without one. */
  typing(): void {
    if (this.getSnapshot().status === 'joined') this.#options.membership.typing.handleInput()
  }

  stopTyping(): void {
    this.#options.membership.typing.stop()
  }

  /** Events from the log, newest page first without `before` and `after`; at most 100. */
  async history(
    page: { before?: number; after?: number; limit?: number } = {},
    options: RequestOptions = {},
  ): Promise<HistoryPage> {
    const args = [{ roomId: this.id, ...page }]
    const answer = await this.#options.requests.call('history:get', args, { ...options, isRepeatable: true })
    const { readHistory } = await import('./on-demand.ts')
    return readHistory(answer as UpAck<'history:get'>)
  }

  /** Lets go of it: its listeners are gone; the room is left when nobody else holds it. Calling it twice is harmless. */
  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    for (const off of [...this.#offs]) off()
    this.#options.release()
  }

  [Symbol.dispose](): void {
    this.release()
  }

  #enqueue<Answer>(event: string, data: object, options: RequestOptions): Promise<Answer> {
    return this.#options.outbox.add(event, [{ roomId: this.id, ...data }], options) as Promise<Answer>
  }

  #keep(off: () => void): () => void {
    const entry = (): void => {
      this.#offs.delete(entry)
      off()
    }
    if (this.#isReleased) off()
    else this.#offs.add(entry)
    return entry
  }
}
