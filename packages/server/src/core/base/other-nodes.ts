/** Asks the nodes that share the log, and answers what they ask. Each part of the server that has something to say registers its kind. */
import type { Awaitable, Broker } from '../ports/broker.ts'
import type { NodeAnswers, NodeQuestion } from '../ports/nodes.ts'

type Answer = (body: never, namespace: string) => Awaitable<unknown>

export class OtherNodes {
  private readonly broker: Pick<Broker, 'ask' | 'node' | 'nodes'>
  private readonly kinds = new Map<string, Answer>()

  constructor(broker: Pick<Broker, 'ask' | 'node' | 'nodes'>) {
    this.broker = broker
  }

  /** Begins the ids of this node's connections; empty on a server that runs alone. */
  get own(): string {
    return this.broker.node
  }

  /**
   * What another node that asks for `kind` is answered: JSON, or nothing. What it throws counts as no answer.
   * @throws Error when the kind is taken
   */
  on<Body>(kind: string, answer: (body: Body, namespace: string) => Awaitable<unknown>): void {
    if (this.kinds.has(kind)) throw new Error(`Something answers ${kind} already`)
    this.kinds.set(kind, answer)
  }

  /** From the broker. @throws Error (also as a rejection) for what this version does not know */
  answer({ kind, namespace, body }: NodeQuestion): Awaitable<unknown> {
    const answer = this.kinds.get(kind)
    if (!answer) throw new Error(`This node does not know the question ${kind}`)
    return answer(body as never, namespace)
  }

  /** Never rejects, and takes no longer than a second: a node that does not answer is counted. */
  ask<T>(kind: string, body: unknown, namespace = ''): Promise<NodeAnswers<T>> {
    return this.broker.ask<T>({ kind, namespace, body })
  }

  /** As {@link ask}, where nothing depends on the answers. */
  tell(kind: string, body: unknown, namespace: string): void {
    if (this.own !== '') void this.ask(kind, body, namespace)
  }

  /** Whether a node of this name is there, which may be this one. */
  async has(node: string): Promise<boolean> {
    return node === this.own || (await this.broker.nodes()).includes(node)
  }
}
