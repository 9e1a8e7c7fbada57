/** Answers what the server asks: one handler per event. A question that nobody answers is refused at once, not left to its time. */
import type { Handler } from './answer.ts'
import type { Report } from './emitter.ts'
import type { RequestFrame } from './frames.ts'

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

  /** Should the file not come, the server's own clock ends its waiting. */
  handle(frame: RequestFrame, reply: (text: string) => void): void {
    import('./on-demand.ts')
      .then(({ answer }) => answer(frame, this.#handlers.get(frame.event), reply, this.#report))
      .catch(this.#report)
  }
}
