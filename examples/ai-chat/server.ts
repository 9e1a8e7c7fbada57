/** In a namespace with the events of chat a model answers each question with a message that grows, and replies to it. */
import type { Namespace } from '@roomful/server'

/** Any source of text, such as `streamText({ model, prompt, abortSignal }).textStream`. */
export type Model = (question: string, signal: AbortSignal) => AsyncIterable<string>

const AUTHOR = { userId: 'app:model', name: 'Assistant' } as const

/**
 * @param model its signal aborts when someone stops the answer
 * @example addModel(server.standardNamespaces().get('/public'), answer)
 */
export function addModel(namespace: Namespace, model: Model): void {
  namespace.hook('stored', ({ roomId, type, seq, id, userId, data }) => {
    const { content, streaming } = data as { content?: string; streaming?: boolean }
    if (type !== 'message:new' || userId === AUTHOR.userId || content === undefined || streaming) return
    const begin = { ...AUTHOR, replyTo: id }
    namespace
      .stream(roomId, 'message:new', begin, { key: `answer ${seq}`, userId: AUTHOR.userId })
      .then((message) => message.write(model(content, message.signal)), console.error) // `write` never rejects
  })
}
