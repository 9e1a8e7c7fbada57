/** What the nodes that share a log ask each other. */

export interface NodeQuestion {
  /** What is asked: one word of the core's or an adapter's own. */
  readonly kind: string
  /** Whom it concerns; empty for all namespaces. */
  readonly namespace: string
  /** JSON. */
  readonly body: unknown
}

/** How far a question reached. On a server that runs alone both are 0. */
export interface NodesReached {
  /** Other nodes that were asked, with those that do not live any more. */
  readonly asked: number
  readonly answered: number
}

export interface NodeAnswers<T> extends NodesReached {
  readonly answers: readonly { readonly node: string; readonly value: T }[]
}

/** A server that runs alone has no one to ask. */
export const ALONE: NodeAnswers<never> = Object.freeze({ asked: 0, answered: 0, answers: [] })

/** What was done on this node and on those that answered. */
export interface Reached {
  /** Other nodes that were asked, and how many of them answered within a second; both 0 on a server that runs alone. */
  readonly nodes: NodesReached
}

export interface Disconnected extends Reached {
  /** How many were closed. */
  readonly connections: number
}
