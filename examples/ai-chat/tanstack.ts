/** A connection for the chat client of TanStack AI and its hooks: a thread is a room, with its id for a name. */
import type { AnyContract, Client } from '@roomful/client'
import { EventType, type ModelMessage, type StreamChunk, type UIMessage } from '@tanstack/ai'
import type { ResumableConnectConnectionAdapter } from '@tanstack/ai-client'
import { type Progress, RoomChat } from './answers.ts'

export interface RoomConnection extends ResumableConnectConnectionAdapter {
  /** Stops the answer for everyone. Call it beside the client's `stop`, which only leaves off to read. */
  stop(): Promise<void>
  /** Leaves the room. */
  close(): void
}

/**
 * @param client of a namespace with the events of chat
 * @param threadId of the chat, and name of the room
 * @example
 * const connection = roomConnection(client, 'room-1')
 * const chat = useChat({ threadId: 'room-1', connection, persistence: true })
 */
export function roomConnection(client: Client<AnyContract>, threadId: string): RoomConnection {
  const chat = new RoomChat(client, threadId)
  const run = (runId: string, progress: AsyncGenerator<Progress>): AsyncIterable<StreamChunk> =>
    toChunks({ runId, threadId }, progress)
  return {
    async *connect(messages, _data, signal, { runId } = { runId: crypto.randomUUID(), threadId }) {
      // The same run asked for again is the same question.
      const id = await chat.ask(textOf(messages.findLast(({ role }) => role === 'user')), keyOf(runId))
      yield* run(
        runId,
        chat.read(({ replyTo }) => replyTo === id, signal),
      )
    },
    /** @param runId that this client made, or of an answer that `hydrate` found, which may be another device's */
    async *joinRun(runId, signal) {
      const question = (await chat.history(signal)).find(({ localId }) => localId === keyOf(runId))
      yield* run(
        runId,
        chat.read(({ id, replyTo }) => (question ? replyTo === question.id : id === runId), signal),
      )
    },
    async hydrate() {
      const stored = await chat.history()
      const growing = stored.findLast(({ state }) => state === 'streaming')
      return {
        messages: stored.flatMap(({ id, content, replyTo, isRedacted }): UIMessage[] =>
          isRedacted || id === growing?.id
            ? []
            : [{ id, role: replyTo === undefined ? 'user' : 'assistant', parts: [{ type: 'text', content }] }],
        ),
        activeRun: growing ? { runId: growing.id } : null,
        interrupts: null,
      }
    },
    stop: () => chat.stop(),
    close: chat.leave,
  }
}

function keyOf(runId: string): string {
  return `run ${runId}`
}

function textOf(message: UIMessage | ModelMessage | undefined): string {
  if (!message) return ''
  if ('parts' in message) return message.parts.map((part) => (part.type === 'text' ? part.content : '')).join('')
  return typeof message.content === 'string' ? message.content : ''
}

async function* toChunks(
  run: { readonly runId: string; readonly threadId: string },
  progress: AsyncGenerator<Progress>,
): AsyncGenerator<StreamChunk> {
  yield { type: EventType.RUN_STARTED, ...run }
  for await (const step of progress) {
    const { messageId } = step
    switch (step.type) {
      case 'start':
        yield { type: EventType.TEXT_MESSAGE_START, messageId, role: 'assistant' }
        break
      case 'text':
        yield { type: EventType.TEXT_MESSAGE_CONTENT, messageId, delta: step.delta }
        break
      case 'end':
        yield { type: EventType.TEXT_MESSAGE_END, messageId }
        yield { type: EventType.RUN_FINISHED, ...run, finishReason: step.isWhole ? 'stop' : null }
        break
      default:
        step satisfies never
    }
  }
}
