/**
 * With several nodes: a session that was cut off on one of them may be back on another. The former node keeps its user for a
 * grace, and would go on to do so after the user has left here. So it is informed once the user is present by this node.
 */
import type { Runtime } from '../../base/runtime.ts'
import type { Connection, NamespaceState } from '../../state/namespace-state.ts'

/** JSON: a session, its fence, its user, and a room; without a room the user is online. */
export type ReturnedSession = readonly [session: string, fence: number, userId: string, roomId?: string]

/** What the nodes call it. */
export const RETURNED = 'returned'

export class ReturnedSessions {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  /** Those of one turn go in one question. Bound: joins of a turn. */
  private waiting: ReturnedSession[] = []

  constructor(runtime: Runtime, namespace: NamespaceState) {
    this.runtime = runtime
    this.namespace = namespace
  }

  add({ session, user }: Connection, roomId?: string): void {
    if (!session?.isFromElsewhere) return
    const entry = [session.id, session.fence, user.sub] as const
    this.waiting.push(roomId === undefined ? entry : [...entry, roomId])
    if (this.waiting.length === 1) this.runtime.turn.after(() => this.send())
  }

  private send(): void {
    const { waiting } = this
    this.waiting = []
    this.runtime.nodes.tell(RETURNED, waiting, this.namespace.name)
  }
}
