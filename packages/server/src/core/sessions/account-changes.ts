/**
 * Which accounts changed lately: a ban, another role. What was read of one before counts no more, so who was on the way in
 * meanwhile has to ask again, and nobody slips in between the change and the close of those who are there. G8.
 */

import { RoomfulError } from '../base/errors.ts'

/** More accounts than change while one connection comes in. The oldest are forgotten: whoever is older than they asks again. */
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

  /** Whether what was read at `asOf` may be out of date. */
  since(asOf: number, sub: string): boolean {
    return asOf < this.forgotten || (this.changed.get(sub) ?? 0) > asOf
  }
}

/** For whoever was overtaken by a change: the next try is judged by what the account is then. */
export function accountChanged(): RoomfulError {
  return new RoomfulError('UNAVAILABLE', 'The account has just changed; come back', { retryAfterMs: 1_000 })
}
