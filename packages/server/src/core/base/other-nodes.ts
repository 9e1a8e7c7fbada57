/** Asks the nodes that share the log, and answers what they ask. Each part of the server that has something to say registers its kind. */
import { CONNECTION_ID_PREFIX } from '@roomful/protocol'
import type { Awaitable, Broker } from '../ports/broker.ts'
import { ALONE, type NodeAnswers, type NodeQuestion, type NodesReached } from '../ports/nodes.ts'
import type { Random } from '../ports/system.ts'

const CONNECTION_ID_LENGTH = 20

/** What became of a question about one connection. */
export interface AnswerAboutOne<T> extends NodesReached {
  readonly value: T | undefined
  /** The node that gave out its id does not live any more. */
  readonly hasEnded: boolean
}

type Answer = (body: never, namespace: string) => Awaitable<unknown>

export class OtherNodes {
  private readonly broker: Pick<Broker, 'ask' | 'node' | 'nodes'>
  private readonly kinds = new Map<string, Answer>()

  constructor(broker: Pick<Broker, 'ask' | 'node' | 'nodes'>) {
    this.broker = broker
  }

  /** Begins the ids of this node's connections, behind their prefix; empty on a server that runs alone. */
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

  /** An id for a connection of this node. */
  connectionId(random: Random): string {
    return CONNECTION_ID_PREFIX + this.own + random.id(CONNECTION_ID_LENGTH - this.own.length)
  }

  /**
   * Asks the node that gave out the id of a connection. A session that was resumed on another node keeps its id, so where that
   * one does not know it the others are asked.
   * @param isKnown whether an answer is about it
   */
  async askAbout<T>(
    connectionId: string,
    { kind, body, namespace = '' }: { readonly kind: string; readonly body: unknown; readonly namespace?: string },
    isKnown: (value: T) => boolean,
  ): Promise<AnswerAboutOne<T>> {
    const { broker, own } = this
    if (own === '') return { ...ALONE, value: undefined, hasEnded: false }
    const start = CONNECTION_ID_PREFIX.length
    const owner = connectionId.startsWith(CONNECTION_ID_PREFIX) ? connectionId.slice(start, start + own.length) : ''
    const question = { kind, namespace, body }
    const first = owner === own ? ALONE : await broker.ask<T>(question, [owner])
    const known = first.answers.find(({ value }) => isKnown(value))
    if (known) return { asked: first.asked, answered: first.answered, value: known.value, hasEnded: false }
    const { asked, answered, answers } = await broker.ask<T>(question)
    const value = answers.find((each) => isKnown(each.value))?.value
    return { asked, answered, value, hasEnded: owner.length === own.length && owner !== own && first.asked === 0 }
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
