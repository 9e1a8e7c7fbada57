/**
 * Writes a message in pieces. Text gathers while a piece is on its way, and goes on after a cut: a piece that was sent and not
 * answered is sent again as it was, which the server recognises by its place.
 */
import type { Client } from '../client.ts'
import { isPassing, RoomfulError } from '../errors.ts'
import type { AnyContract } from '../types.ts'

/** How a message begins. */
export interface WriteOptions {
  /** The text that it begins with. */
  readonly content?: string
  /** Id of the message that it replies to. */
  readonly replyTo?: string
  /** Idempotency key; one is made without it. */
  readonly key?: string
}

/** Longest piece, in characters: well below what a message may have in bytes. */
const PIECE_MAX = 8_192
/** How long until a refusal that passes is tried again, where the server says nothing. */
const RETRY_MS = 500

/**
 * Begins a message in a room that has the chat events.
 * @throws RoomfulError (rejects) FORBIDDEN, RATE_LIMITED, TOO_LARGE, …
 * @example
 * const writer = await writeMessage(client, 'lobby')
 * writer.append('Once upon a time')
 * await writer.complete()
 */
export async function writeMessage<C extends AnyContract>(
  client: Client<C>,
  roomId: string,
  { key, ...more }: WriteOptions = {},
): Promise<MessageWriter> {
  const owner = client as unknown as Client
  const begun = await owner.request('message:stream', { roomId, ...more }, { key: key ?? owner.createKey() })
  return new MessageWriter(owner, roomId, begun as { id: string; seq: number }, more.content?.length ?? 0)
}

export class MessageWriter {
  readonly roomId: string
  readonly id: string
  /** Its number in the room. */
  readonly seq: number
  readonly #client: Client
  readonly #aborting = new AbortController()
  readonly #off: () => void
  #stored: number
  /** On its way, and to be sent again as it is. */
  #piece = ''
  #pending = ''
  #error: RoomfulError | undefined
  #isEnding = false
  #sending: Promise<void> | undefined

  /** Use {@link writeMessage}. */
  constructor(client: Client, roomId: string, { id, seq }: { id: string; seq: number }, length: number) {
    this.roomId = roomId
    this.id = id
    this.seq = seq
    this.#client = client
    this.#stored = length
    this.#off = client.on('message:stop', (data) => {
      const stopped = data as { roomId: string; seq: number }
      if (stopped.roomId === roomId && stopped.seq === seq)
        this.#fail(new RoomfulError('CONFLICT', 'The message was stopped'))
    })
  }

  /** Aborted when the message was stopped, or has ended in another way: give it to whatever makes the text. */
  get signal(): AbortSignal {
    return this.#aborting.signal
  }

  /** Of the text so far, in UTF-16 units. */
  get length(): number {
    return this.#stored + this.#piece.length + this.#pending.length
  }

  /** Adds to the text. Does nothing once the message has ended: see `signal`. */
  append(text: string): void {
    if (this.#isEnding || this.#error || text === '') return
    this.#pending += text
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
    })
  }

  /**
   * Ends the message once all of it is stored.
   * @param extra kept with the message
   * @throws RoomfulError (rejects) CONFLICT when it has ended already, such as by a stop; or the server's refusal
   */
  async complete(extra?: unknown): Promise<void> {
    await this.#end('message:complete', extra === undefined ? {} : { extra })
  }

  /** Ends the message before it is whole; what there is of it stays. @throws RoomfulError (rejects) as {@link complete} */
  async cancel(reason?: string): Promise<void> {
    await this.#end('message:cancel', reason === undefined ? {} : { reason })
  }

  async #end(event: 'message:complete' | 'message:cancel', more: object): Promise<void> {
    this.#isEnding = true
    while (this.#sending) await this.#sending
    if (this.#error) throw this.#error
    await this.#insist(event, { ...more, ...this.#of })
    this.#off()
  }

  get #of(): { roomId: string; seq: number } {
    return { roomId: this.roomId, seq: this.seq }
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve() // what is appended in one go is one piece
    while (!this.#error && this.#pending !== '') {
      this.#piece = this.#pending.slice(0, PIECE_MAX)
      this.#pending = this.#pending.slice(this.#piece.length)
      try {
        await this.#insist('message:append', { ...this.#of, at: this.#stored, text: this.#piece })
        this.#stored += this.#piece.length
        this.#piece = ''
      } catch (error) {
        this.#fail(error as RoomfulError)
      }
    }
  }

  /** All of it is harmless to repeat. */
  async #insist(event: 'message:append' | 'message:complete' | 'message:cancel', data: object): Promise<void> {
    for (;;) {
      try {
        await this.#client.request(event, data as never)
        return
      } catch (error) {
        if (!(error instanceof RoomfulError) || !isPassing(error)) throw error
        await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs ?? RETRY_MS))
      }
    }
  }

  #fail(error: RoomfulError): void {
    if (this.#error) return
    this.#error = error
    this.#pending = ''
    this.#off()
    this.#aborting.abort(error)
  }
}
