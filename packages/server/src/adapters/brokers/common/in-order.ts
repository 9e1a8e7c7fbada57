/** Releases what is answered asynchronously in the order in which it was asked, each synchronously after the one before. */
import type { Awaitable } from '../../../core/ports/broker.ts'

interface Waiting<T> {
  answer: { readonly value: T } | undefined
  readonly release: (value: T) => void
}

/** Bound: the questions that are under way. */
export class InOrder<T> {
  private readonly waiting: Waiting<T>[] = []
  private isReleasing = false

  /** @param answer never rejects. One that is given at once, with nothing before it, is released within this call. */
  add(answer: Awaitable<T>, release: (value: T) => void): void {
    const waiting: Waiting<T> = { answer: undefined, release }
    this.waiting.push(waiting)
    if (answer instanceof Promise) answer.then((value) => this.answered(waiting, value))
    else this.answered(waiting, answer)
  }

  private answered(waiting: Waiting<T>, value: T): void {
    waiting.answer = { value }
    // One that is answered while another is released waits for its turn: it must not come in the middle of it.
    if (!this.isReleasing) this.releaseDue()
  }

  private releaseDue(): void {
    this.isReleasing = true
    try {
      for (let next = this.waiting[0]; next?.answer !== undefined; next = this.waiting[0]) {
        this.waiting.shift()
        next.release(next.answer.value)
      }
    } finally {
      this.isReleasing = false
    }
  }
}
