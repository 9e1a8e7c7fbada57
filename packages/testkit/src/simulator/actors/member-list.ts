/** Who is in a room, as a careful client without the SDK keeps it: the answer to the join, and numbered changes over it. */

// biome-ignore lint/suspicious/noExplicitAny: messages have every shape
type Message = Record<string, any>

const CHANGES: ReadonlySet<string> = new Set(['user:joined', 'user:left', 'presence:diff'])

export class MemberList {
  private pv = 0
  /** Number of the latest change that was told, which an answer may have been ahead of. */
  private toldPv = 0
  private readonly list = new Set<string>()

  /** What the answer to a join says. */
  replace({ users, pv }: Message): void {
    this.list.clear()
    for (const { userId } of users) this.list.add(userId)
    this.pv = pv
    this.toldPv = 0
  }

  /** @returns what is wrong with a change */
  take({ type, userId, pv, since = pv - 1, joined = [], left = [] }: Message): string | undefined {
    if (!CHANGES.has(type)) return undefined
    if (pv <= this.toldPv) return `${type} has number ${pv}, and ${this.toldPv} was told before`
    this.toldPv = pv
    if (pv <= this.pv) return undefined // it was in the answer
    if (since > this.pv) return `${type} tells what changed since ${since}, and ${this.pv} is what is known`
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
