/** A transport for `useChat` of the AI SDK: a chat is a room, with its id for a name. */
import type { AnyContract, Client } from '@roomful/client'
import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai'
import { type Progress, RoomChat } from './answers.ts'

/** All of an answer is one text. */
const PART = 'answer'

export class RoomTransport implements ChatTransport<UIMessage> {
  /** An answer that goes on after a reload comes from its beginning. */
  readonly resumeStreamIsReplay = true
  readonly #client: Client<AnyContract>
  readonly #chats = new Map<string, RoomChat>()

  /**
   * @param client of a namespace with the events of chat
   * @example
   * const transport = new RoomTransport(client)
   * const { messages, sendMessage } = useChat({ id: 'room-1', transport, resume: true })
   */
  constructor(client: Client<AnyContract>) {
    this.#client = client
  }

  /** Asks. A signal that aborts ends the reading and not the answer, since leaving a page aborts too: see {@link stop}. */
  readonly sendMessages: ChatTransport<UIMessage>['sendMessages'] = async ({ chatId, messages, abortSignal }) => {
    const question = messages.findLast(({ role }) => role === 'user')
    const text = question?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? ''
    const chat = this.#chatOf(chatId)
    const id = await chat.ask(text)
    return toStream(chat.read(({ replyTo }) => replyTo === id, abortSignal))
  }

  /** @returns the answer that is being written now, whoever asked; null when there is none */
  readonly reconnectToStream: ChatTransport<UIMessage>['reconnectToStream'] = async ({ chatId, abortSignal }) => {
    const chat = this.#chatOf(chatId)
    const growing = (await chat.history(abortSignal)).findLast(({ state }) => state === 'streaming')
    return growing ? toStream(chat.read(({ id }) => id === growing.id, abortSignal)) : null
  }

  /** The messages of a chat for the hook to begin with, without an answer that is still being written. */
  async history(chatId: string): Promise<UIMessage[]> {
    const stored = await this.#chatOf(chatId).history()
    return stored.flatMap(({ id, content, replyTo, state, isRedacted }) =>
      isRedacted || state === 'streaming'
        ? []
        : [{ id, role: replyTo === undefined ? 'user' : 'assistant', parts: [{ type: 'text', text: content }] }],
    )
  }

  /** Stops the answer for everyone. Call it beside the hook's `stop`, which only leaves off to read. */
  readonly stop = (chatId: string): Promise<void> => this.#chatOf(chatId).stop()

  /** Leaves the rooms. */
  readonly close = (): void => {
    for (const chat of this.#chats.values()) chat.leave()
    this.#chats.clear()
  }

  #chatOf(chatId: string): RoomChat {
    const chat = this.#chats.get(chatId) ?? new RoomChat(this.#client, chatId)
    this.#chats.set(chatId, chat)
    return chat
  }
}

/** A stream that closes early counts as a whole answer there, so one that fails ends with an error. */
function toStream(progress: AsyncGenerator<Progress>): ReadableStream<UIMessageChunk> {
  return new ReadableStream<UIMessageChunk>({
    async pull(controller) {
      const { value, done } = await progress.next()
      if (done) return controller.close()
      for (const chunk of toChunks(value)) controller.enqueue(chunk)
    },
    async cancel() {
      await progress.return(undefined)
    },
  })
}

function toChunks(progress: Progress): UIMessageChunk[] {
  switch (progress.type) {
    case 'start':
      return [
        { type: 'start', messageId: progress.messageId },
        { type: 'text-start', id: PART },
      ]
    case 'text':
      return [{ type: 'text-delta', id: PART, delta: progress.delta }]
    case 'end':
      return [{ type: 'text-end', id: PART }, progress.isWhole ? { type: 'finish' } : { type: 'abort' }]
    default:
      return progress satisfies never
  }
}
