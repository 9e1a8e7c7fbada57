/**
 * Records the story of each connection, to explain later why a client did not receive an event: joins with their numbers,
 * times when it was behind, refused requests, the end. Deliveries are not recorded; they follow from the numbers. D8.
 */
import type { Fact, ObservedConnection, Observer } from '../../core/ports/observer.ts'

/** Open connections with a story. Connections above this have none. */
const OPEN_MAX = 20_000
/** Closed connections whose stories are kept; the one closed first is forgotten first. */
const CLOSED_MAX = 2_000
/** Chapters of one connection. The oldest are dropped and counted. */
const CHAPTERS_MAX = 64

type ConnectionFact = Extract<
  Fact,
  { type: 'room:joined' | 'room:left' | 'behind' | 'caught-up' | 'catch-up:failed' | 'rate-limited' }
>

/** One fact about a connection, with its time. */
export type Chapter = { readonly at: number } & (
  | Omit<Extract<ConnectionFact, { type: 'room:joined' }>, 'connectionId'>
  | Omit<Extract<ConnectionFact, { type: 'room:left' }>, 'connectionId'>
  | { readonly type: 'behind' | 'catch-up:failed' }
  | { readonly type: 'caught-up'; readonly events: number }
  | { readonly type: 'rate-limited'; readonly scope: string }
  | { readonly type: 'refused'; readonly event: string; readonly code: string }
)

/** What is known of one connection. */
export interface Story {
  readonly connection: ObservedConnection
  /** Ms since 1970. */
  readonly openedAt: number
  readonly chapters: readonly Chapter[]
  /** How many chapters were dropped. */
  readonly forgotten: number
  readonly ending: { readonly at: number; readonly reason: string } | undefined
}

/** A story that continues. */
interface Writing extends Story {
  chapters: Chapter[]
  forgotten: number
  ending: Story['ending']
}

/** The stories of all connections. */
export class Stories implements Observer {
  private readonly now: () => number
  private readonly open = new Map<string, Writing>()
  private readonly closed = new Map<string, Writing>()

  /** @param now ms since 1970 */
  constructor(now: () => number) {
    this.now = now
  }

  /** The story of a connection. */
  find(connectionId: string): Story | undefined {
    return this.open.get(connectionId) ?? this.closed.get(connectionId)
  }

  /** The stories of a user's connections in a namespace, closed ones first. */
  ofUser(namespace: string, userId: string): Story[] {
    return [...this.closed.values(), ...this.open.values()].filter(
      ({ connection }) => connection.user.sub === userId && connection.namespace.name === namespace,
    )
  }

  observe(fact: Fact): void {
    switch (fact.type) {
      case 'connection:opened':
        return this.begin(fact.connection)
      case 'connection:closed':
        return this.end(fact.connection.id, fact.reason)
      case 'room:joined':
      case 'room:left': {
        const { connectionId, ...rest } = fact
        return this.add(connectionId, { at: this.now(), ...rest })
      }
      case 'behind':
      case 'catch-up:failed':
        return this.add(fact.connectionId, { at: this.now(), type: fact.type })
      case 'caught-up':
        return this.add(fact.connectionId, { at: this.now(), type: fact.type, events: fact.events })
      case 'rate-limited':
        return this.add(fact.connectionId, { at: this.now(), type: fact.type, scope: fact.scope })
      case 'request':
        if (fact.code === undefined) return
        return this.add(fact.connectionId, { at: this.now(), type: 'refused', event: fact.event, code: fact.code })
      default:
        return
    }
  }

  private begin(connection: ObservedConnection): void {
    if (this.open.size >= OPEN_MAX) return
    const record = { connection, openedAt: this.now(), chapters: [], forgotten: 0, ending: undefined }
    this.open.set(connection.id, record)
  }

  private end(connectionId: string, reason: string): void {
    const record = this.open.get(connectionId)
    if (record === undefined) return
    this.open.delete(connectionId)
    const { id, ip, userAgent, user, auth, namespace } = record.connection
    // Copied, so that the closed connection can be garbage collected.
    const connection = { id, ip, userAgent, user, auth, namespace: { name: namespace.name } }
    this.closed.set(connectionId, { ...record, connection, ending: { at: this.now(), reason } })
    for (const oldest of this.closed.keys()) {
      if (this.closed.size <= CLOSED_MAX) break
      this.closed.delete(oldest)
    }
  }

  private add(connectionId: string | undefined, chapter: Chapter): void {
    const record = connectionId === undefined ? undefined : this.open.get(connectionId)
    if (record === undefined) return
    record.chapters.push(chapter)
    if (record.chapters.length <= CHAPTERS_MAX) return
    record.chapters.shift()
    record.forgotten++
  }
}
