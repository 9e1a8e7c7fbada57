/**
 * A client that reconnects sends its queued requests at once. It may send as many as the rate would have allowed while it
 * was away. Kept in this process, by session, or by user where there is none. L18.
 */
import type { Runtime } from '../base/runtime.ts'
import type { Connection } from './namespace-state.ts'

/** Of a longer absence this much counts, and the allowance ends this long after the return. */
const BURST_MAX_MS = 10_000
/** Connections that are away and may come back. The oldest are forgotten and get no allowance. */
const AWAY_MAX = 10_000
const SECOND_MS = 1_000

interface Away {
  /** When anything came or went last: a cut begins before the server notices it. */
  readonly since: number
  /** Of one user several connections may be away. */
  readonly connections: number
  readonly until: number
}

export class Bursts {
  private readonly runtime: Runtime
  /** In the order in which they left. */
  private readonly away = new Map<string, Away>()

  constructor(runtime: Runtime) {
    this.runtime = runtime
  }

  /** An open connection was cut off. */
  note(connection: Connection): void {
    const { clock, settings } = this.runtime
    const key = keyOf(connection, connection.session?.id)
    if (settings.ratePerSecond === 0 || connection.httpMode || key === undefined) return
    const now = clock.monotonic()
    const since = connection.link.lastActiveAt
    const connections = (this.away.get(key)?.connections ?? 0) + 1
    this.away.delete(key)
    this.away.set(key, { since, connections, until: now + settings.sessionMs })
    for (const [oldest, { until }] of this.away) {
      if (until > now && this.away.size <= AWAY_MAX) return
      this.away.delete(oldest)
    }
  }

  /** A connection opens. @param cameFrom the session that it brought, also when nothing could be recovered of it */
  take(connection: Connection, cameFrom: string | undefined): void {
    const key = keyOf(connection, cameFrom)
    const found = key === undefined ? undefined : this.away.get(key)
    if (key === undefined || found === undefined || connection.httpMode) return
    const { since, connections, until } = found
    if (connections > 1) this.away.set(key, { since, connections: connections - 1, until })
    else this.away.delete(key)
    const now = this.runtime.clock.monotonic()
    const awayMs = Math.min(now - since, BURST_MAX_MS)
    const left = Math.floor((this.runtime.settings.ratePerSecond * awayMs) / SECOND_MS)
    if (now < until && left > 0) connection.burst = { left, until: now + BURST_MAX_MS }
  }
}

/** @returns nothing for guests without a session: they come back with another id */
function keyOf({ namespace, user }: Connection, session: string | undefined): string | undefined {
  if (session !== undefined) return `session ${namespace.name} ${user.guest ? '' : user.sub} ${session}`
  return user.guest ? undefined : `user ${namespace.name} ${user.sub}`
}
