/**
 * The assistant: a room in which people ask, and a text generator answers each question with a message that grows. Everyone in
 * the room sees it grow, also who comes late or reloads, and anyone can stop it. D17.
 */
import type { MessageStream } from '@roomful/server'
import { type Commons, every } from '../../commons.ts'
import { ASSISTANT, ASSISTANT_ROOM } from './assistant-room.ts'
import { answerTo } from './generator.ts'

/** Between two words: a little faster than people read. */
const WORD_MS = 40
/** Answers at once; further questions wait. */
const ANSWERS_MAX = 3
/** Questions that wait; one more gets no answer. */
const QUESTIONS_MAX = 20

interface Question {
  readonly seq: number
  readonly id: string
  readonly text: string
}

export function addAssistant({ server, clock, random }: Commons): void {
  const room = server.get('/public').room(ASSISTANT_ROOM, {})
  const waiting: Question[] = []
  const answers = new Set<MessageStream>()
  let beginning = 0
  let isOver = false

  const next = (): void => {
    if (isOver || answers.size + beginning >= ANSWERS_MAX) return
    const question = waiting.shift()
    if (question) answer(question) // never rejects
  }
  const answer = async ({ seq, id, text }: Question): Promise<void> => {
    beginning++
    try {
      const { userId } = ASSISTANT
      const begin = { ...ASSISTANT, replyTo: id }
      const message = await room.stream(ASSISTANT_ROOM, 'message:new', begin, { key: `answer ${seq}`, userId })
      answers.add(message)
      const words = answerTo(text, () => random.fraction())
      const stop = every(clock, WORD_MS, () => {
        const word = words.next()
        if (!word.done) return message.append(word.value)
        stop()
        // When the log is away, the message is interrupted once that is back.
        message.complete().then(over, over)
      })
      const over = (): void => {
        stop()
        if (answers.delete(message)) next()
      }
      message.signal.addEventListener('abort', over)
      if (message.signal.aborted) over()
    } catch {
      // Without the log there is no answer; people see that their own messages wait as well.
    } finally {
      beginning--
      next()
    }
  }

  room.hook('stored', ({ roomId, type, seq, id, userId, data }) => {
    if (roomId !== ASSISTANT_ROOM || type !== 'message:new' || userId === ASSISTANT.userId) return
    const { content, streaming } = data as { content?: string; streaming?: boolean }
    if (content === undefined || streaming || waiting.length >= QUESTIONS_MAX) return
    waiting.push({ seq, id, text: content })
    next()
  })
  server.whileOpen(() => () => {
    isOver = true
  })
}
