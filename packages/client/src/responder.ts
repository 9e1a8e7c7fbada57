/** Answers what the server asks: one handler per event. A question that nobody answers is refused at once, not left to its time. */
import type { Report } from './emitter.ts'
import { RoomfulError } from './errors.ts'
import { type RequestFrame, readArgs, writeAnswer } from './frames.ts'

type Handler = (...args: readonly unknown[]) => unknown

export class Responder {
  readonly #handlers = new Map<string, Handler>()
  readonly #report: Report

  /** @param report where errors of handlers go that are no refusals */
  constructor(report: Report) {
    this.#report = report
  }

  /** @returns what takes it away again; @throws Error when there is one for this event already */
  add(event: string, handler: Handler): () => void {
    if (this.#handlers.has(event)) throw new Error(`${event} is answered already`)
    this.#handlers.set(event, handler)
    return () => {
      if (this.#handlers.get(event) === handler) this.#handlers.delete(event)
    }
  }

  /** Never rejects. */
  async handle(frame: RequestFrame, reply: (text: string) => void): Promise<void> {
    const { id, event } = frame
    try {
      const handler = this.#handlers.get(event)
      if (!handler) throw new RoomfulError('UNKNOWN_EVENT', `This client does not answer ${event}`)
      reply(writeAnswer(id, { data: await handler(...readArgs(frame)) }))
    } catch (error) {
      // What is no refusal stays here: the server is told that it failed, not how.
      const isRefusal = error instanceof RoomfulError
      if (!isRefusal) this.#report(error)
      const { code, message, field } = isRefusal ? error : new RoomfulError('INTERNAL', 'This client failed to answer')
      reply(writeAnswer(id, { error: { code, message, field } }))
    }
  }
}
