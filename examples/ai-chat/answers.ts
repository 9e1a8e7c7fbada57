/**
 * What the adapters of both libraries need of a room: ask a question, and read the answer, which is a message that grows and
 * replies to the question. The room keeps it: a reader that goes does not end it, and one that comes back gets it from its
 * beginning.
 */
import type { AnyContract, Client } from '@roomful/client'
import {
  type Message,
  type MessageStore,
  type MessagesSnapshot,
  messagesOf,
  type SentMessage,
} from '@roomful/client/messages'

/** How long a question waits for the first word of its answer, ms. */
const ANSWER_TIMEOUT_MS = 60_000

export type Progress =
  | { readonly type: 'start'; readonly messageId: string }
  | { readonly type: 'text'; readonly messageId: string; readonly delta: string }
  | { readonly type: 'end'; readonly messageId: string; readonly isWhole: boolean }

interface Growth {
  readonly state: SentMessage['state']
  readonly text: string
}

/** One room as a chat. */
export class RoomChat {
  readonly #client: Client
  readonly #roomId: string
  readonly #store: MessageStore
  /** Keeps the client in the room, also while no answer is read. */
  readonly leave: () => void

  constructor(client: Client<AnyContract>, roomId: string) {
    this.#client = client as unknown as Client
    this.#roomId = roomId
    this.#store = messagesOf(client, roomId)
    this.leave = this.#store.subscribe(() => undefined)
  }

  /**
   * The newest messages of the room, oldest first.
   * @throws RoomfulError (rejects), what the server says when the room may not be read
   */
  async history(signal?: AbortSignal): Promise<readonly SentMessage[]> {
    for await (const { messages, loading, error } of this.#snapshots(signal)) {
      if (error) throw error
      if (loading !== 'first') return messages.filter((message) => message.status === 'sent')
    }
    return []
  }

  /**
   * Stores a question.
   * @param key a question with the same key is stored once, so that asking can be repeated
   * @returns its id, which the answer's `replyTo` is
   */
  async ask(content: string, key = this.#client.createKey()): Promise<string> {
    await this.history()
    const { id } = await this.#client.request('message:send', { roomId: this.#roomId, content }, { key })
    return id
  }

  /** Stops the answer that is being written, for everyone. Leaving off to read it is something else. */
  async stop(): Promise<void> {
    const growing = (await this.history()).findLast(({ state }) => state === 'streaming')
    if (growing) await this.#store.stop(growing.seq)
  }

  /**
   * Reads an answer from its beginning: what there is so far, then each piece, until it ends or `signal` says that nobody
   * reads any more, after which nothing comes.
   * @throws Error (rejects) when no answer begins in time, or when it is taken back
   */
  async *read(isAnswer: (message: SentMessage) => boolean, signal?: AbortSignal): AsyncGenerator<Progress> {
    const message = await this.#begun(isAnswer, signal)
    if (!message) return
    const messageId = message.id
    yield { type: 'start', messageId }
    let text = ''
    for await (const grown of this.#growth(message, signal)) {
      if (!grown) throw new Error('The answer was taken back')
      if (!grown.text.startsWith(text)) throw new Error('The answer is another one now')
      const delta = grown.text.slice(text.length)
      text = grown.text
      if (delta !== '') yield { type: 'text', messageId, delta }
      if (grown.state === 'interrupted') throw new Error('The answer was interrupted')
      if (grown.state !== 'streaming') return yield { type: 'end', messageId, isWhole: grown.state !== 'cancelled' }
    }
  }

  async #begun(isAnswer: (message: SentMessage) => boolean, signal?: AbortSignal): Promise<SentMessage | undefined> {
    const late = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const either = signal ? AbortSignal.any([signal, late]) : late
    for await (const { messages } of this.#snapshots(either)) {
      const found = messages.findLast((message) => isSent(message) && isAnswer(message))
      if (found) return found as SentMessage
    }
    if (late.aborted) throw new Error(`No answer within ${ANSWER_TIMEOUT_MS / 1_000} s`)
    return undefined
  }

  async *#growth({ id, seq }: SentMessage, signal?: AbortSignal): AsyncGenerator<Growth | undefined> {
    const text = this.#store.textOf(seq)
    for await (const _ of changesOf(text.subscribe, signal)) {
      const now = this.#store.getSnapshot().messages.find((message) => isSent(message) && message.id === id)
      if (!now || !isSent(now) || now.isRedacted) return yield undefined
      const { state } = now
      yield { state, text: state === 'streaming' ? text.getSnapshot() : now.content }
    }
  }

  async *#snapshots(signal?: AbortSignal): AsyncGenerator<MessagesSnapshot> {
    for await (const _ of changesOf(this.#store.subscribe, signal)) yield this.#store.getSnapshot()
  }
}

function isSent(message: Message): message is SentMessage {
  return message.status === 'sent'
}

/** One turn at once, and one after each change; several changes that come before the next turn are one. */
async function* changesOf(
  subscribe: (listener: () => void) => () => void,
  signal?: AbortSignal,
): AsyncGenerator<undefined> {
  let wake: () => void = () => undefined
  let hasChanged = true
  const changed = (): void => {
    hasChanged = true
    wake()
  }
  const off = subscribe(changed)
  signal?.addEventListener('abort', changed)
  try {
    while (!signal?.aborted) {
      if (!hasChanged) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      hasChanged = false
      yield
    }
  } finally {
    off()
    signal?.removeEventListener('abort', changed)
  }
}
