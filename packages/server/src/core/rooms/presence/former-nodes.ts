/**
 * With several nodes: a session may have been cut off on one and be back on another. The former one keeps its user for a
 * grace, and would do so even when the user has left for good by now. So a user who says goodbye here is let go there. A return
 * alone ends nothing there: it may not hold.
 */
import type { Runtime } from '../../base/runtime.ts'
import type { Connection, NamespaceState } from '../../state/namespace-state.ts'
import { FIRST_FENCE } from '../../state/session.ts'

/** JSON. */
export interface Goodbye {
  readonly session: string
  /** That the session has by now. */
  readonly fence: number
  readonly userId: string
  /** Nothing when its connection is over. */
  readonly left?: { readonly roomId: string; readonly reason: string } | undefined
}

/** What the nodes call it. */
export const GOODBYE = 'goodbye'

export class FormerNodes {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  /** Those of a turn go in one question. Bound: rooms that are left in a turn. */
  private goodbyes: Goodbye[] = []

  constructor(runtime: Runtime, namespace: NamespaceState) {
    this.runtime = runtime
    this.namespace = namespace
  }

  letGo({ session, user }: Connection, left?: Goodbye['left']): void {
    if (!this.runtime.broker.otherNodes || !session || session.fence === FIRST_FENCE) return
    this.goodbyes.push({ session: session.id, fence: session.fence, userId: user.sub, left })
    if (this.goodbyes.length === 1) this.runtime.turn.after(() => this.send())
  }

  private send(): void {
    const { goodbyes } = this
    this.goodbyes = []
    this.runtime.nodes.tell(GOODBYE, goodbyes, this.namespace.name)
  }
}
