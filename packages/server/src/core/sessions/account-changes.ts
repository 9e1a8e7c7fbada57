/**
 * Accounts that changed lately: a ban, another role. A connection that read its account before has to read it again, so none
 * can open between the change and the closing of those that are open. G8.
 */

import { RoomfulError } from '../base/errors.ts'

/** More accounts than change while one connection opens. Of older changes only the time is kept: reads before it repeat. */
const REMEMBERED_MAX = 10_000

export class AccountChanges {
  private version = 0
  private forgotten = 0
  private readonly changed = new Map<string, number>()

  /** Remember it before an account is read. */
  get now(): number {
    return this.version
  }

  note(sub: string): void {
    this.version++
    this.changed.delete(sub)
    this.changed.set(sub, this.version)
    if (this.changed.size <= REMEMBERED_MAX) return
    const [oldest] = this.changed
    if (!oldest) return
    this.changed.delete(oldest[0])
    this.forgotten = oldest[1]
  }

  /** It may have been any of them. */
  noteAll(): void {
    this.forgotten = ++this.version
    this.changed.clear()
  }

  /** Whether what was read at `asOf` may be out of date. */
  since(asOf: number, sub: string): boolean {
    return asOf < this.forgotten || (this.changed.get(sub) ?? 0) > asOf
  }
}

/** For a connection whose account changed while it opened: the next attempt sees the account as it is then. */
export function accountChanged(): RoomfulError {
  return new RoomfulError('UNAVAILABLE', 'The account has just changed; come back', { retryAfterMs: 1_000 })
}
