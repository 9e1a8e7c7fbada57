/** The members of a room as a careful client without the SDK keeps them: a snapshot from the join, then numbered changes. */

// biome-ignore lint/suspicious/noExplicitAny: messages have every shape
type Message = Record<string, any>

const CHANGES: ReadonlySet<string> = new Set(['user:joined', 'user:left', 'presence:diff'])

export class MemberList {
  private pv = 0
  /** Number of the latest change received; the snapshot may have been ahead of it. */
  private latestPv = 0
  private readonly list = new Set<string>()

  /** Takes the snapshot in the answer to a join. */
  replace({ users, pv }: Message): void {
    this.list.clear()
    for (const { userId } of users) this.list.add(userId)
    this.pv = pv
    this.latestPv = 0
  }

  /** @returns the problem with a change, if there is one */
  take({ type, userId, pv, since = pv - 1, joined = [], left = [] }: Message): string | undefined {
    if (!CHANGES.has(type)) return undefined
    if (pv <= this.latestPv) return `${type} has number ${pv}, and ${this.latestPv} was received before`
    this.latestPv = pv
    if (pv <= this.pv) return undefined // it was in the answer
    if (since > this.pv) return `${type} has the changes since ${since}, but the list is at ${this.pv}`
    this.pv = pv
    if (type === 'user:joined') this.list.add(userId)
    if (type === 'user:left') this.list.delete(userId)
    for (const each of joined) this.list.add(each.userId)
    for (const each of left) this.list.delete(each)
    return undefined
  }

  users(): string[] {
    return [...this.list]
  }
}
