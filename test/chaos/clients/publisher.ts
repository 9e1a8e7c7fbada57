/** A client that says one thing after another under keys, each until it is answered. */
import type { History } from '@roomful/testkit/history'

export interface PublisherOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly token: string
  readonly history: History
  /** From an answer to what is said next. */
  readonly paceMs: number
}

export interface Publisher {
  readonly name: string
  /** Says nothing more, and resolves when all is answered. */
  finish(): Promise<void>
}
