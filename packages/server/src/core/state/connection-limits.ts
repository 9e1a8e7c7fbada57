/** What the appends of one connection count towards in a minute, put together once; limits.ts says what. */
import type { Appended, RateLimit } from '../ports/broker.ts'

export interface CountedTowards {
  /** Another connection, or this one as another user, has another. */
  readonly of: string
  /** Of each request that stores something; nothing where messages are not counted. */
  readonly message: readonly RateLimit[] | undefined
  readonly room: RateLimit
  /** Whether the room may have to be made, and that is counted. */
  readonly mayMake: (roomId: string) => boolean
  readonly onRefused: (counts: RateLimit['counts']) => void
}

export class ConnectionLimits {
  readonly of: string
  private readonly counted: CountedTowards
  private readonly both: readonly RateLimit[]
  private readonly roomOnly: readonly RateLimit[]

  constructor(counted: CountedTowards) {
    this.of = counted.of
    this.counted = counted
    this.roomOnly = [counted.room]
    this.both = [...(counted.message ?? []), counted.room]
  }

  /** @param isFirst a request counts as one message, however much it stores */
  limitsOf(roomId: string, isFirst: boolean): readonly RateLimit[] | undefined {
    const { message, mayMake } = this.counted
    if (mayMake(roomId)) return isFirst ? this.both : this.roomOnly
    return isFirst ? message : undefined
  }

  /** Reports the refusal among the results of a request. */
  report(results: readonly Appended[]): void {
    for (const result of results) {
      if (result.status === 'refused' && result.limit !== undefined) return this.counted.onRefused(result.limit)
    }
  }
}
