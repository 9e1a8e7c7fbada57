/** What the broker says of the log: results of this node's batches, and what other nodes stored, one after another. */
import { fromJson } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import { RoomEvent } from '../events/event.ts'
import type {
  Appended,
  Awaitable,
  BrokerListener,
  CommittedRow,
  Head,
  NotedChange,
  OnlineUsers,
  PresenceDiff,
  SentHead,
  SentSignal,
} from '../ports/broker.ts'
import { isStateChange } from '../ports/facts.ts'
import type { LeadMark } from '../ports/leads.ts'
import type { NodeQuestion } from '../ports/nodes.ts'
import type { NamespaceState, Room } from '../state/namespace-state.ts'
import type { CatchUp } from './catch-up.ts'
import type { Commit } from './commit.ts'
import type { FanOut } from './fan-out.ts'
import { traceRemote } from './trace.ts'

/** After a break, how long until a broker that could not say where its rooms are is asked again. */
const RETRY_MS = 1_000

/** A namespace, as far as its log is concerned. */
export interface LoggedNamespace {
  readonly state: NamespaceState
  readonly requests: { readonly commit: Commit; readonly fanOut: FanOut }
  readonly presence: { onDiff(diff: PresenceDiff): void; onBreak(): void }
  readonly users: { onOnline(online: OnlineUsers): void; onBreak(): void }
  readonly inboxes: { onBreak(): void }
}

/** What is done about sessions that other nodes take over. */
interface TakenSessions {
  taken(namespace: NamespaceState, id: string, fence: number): void
  findTaken(namespace: NamespaceState): Promise<void>
}

interface LogListenerParts {
  readonly catchUp: CatchUp
  readonly namespaces: ReadonlyMap<string, LoggedNamespace>
  readonly sessions: TakenSessions
  readonly leads: { onFenced(name: string, fence: number): void }
}

export class LogListener implements BrokerListener {
  private readonly runtime: Runtime
  private readonly parts: LogListenerParts

  constructor(runtime: Runtime, parts: LogListenerParts) {
    this.runtime = runtime
    this.parts = parts
  }

  onCommitted(name: string, batchId: number, results: readonly Appended[], cause?: unknown): void {
    this.parts.namespaces.get(name)?.requests.commit.onCommitted(batchId, results, cause)
  }

  onEvents(name: string, rows: readonly CommittedRow[]): void {
    const namespace = this.parts.namespaces.get(name)
    if (!namespace) return
    const replaced = new Set<Room>()
    for (const row of rows) {
      const room = namespace.state.rooms.get(row.roomId)
      // A number of another log is no old event: something that was sent is gone.
      if (room?.state === 'open' && room.epoch !== row.epoch) replaced.add(room)
      else {
        const isNew = room === undefined || row.seq > room.head
        const { traceparent } = row
        if (traceparent !== undefined && room !== undefined && isNew) this.follow(namespace.state, row, traceparent)
        namespace.requests.fanOut.release(RoomEvent.fromRow(row, undefined, undefined, traceparent))
        if (isNew) namespace.state.beside?.onRow(row)
      }
    }
    if (replaced.size > 0) this.compare(namespace, [...replaced])
    this.runtime.turn.endSoon()
  }

  onSignals(name: string, signals: readonly SentSignal[]): void {
    const namespace = this.parts.namespaces.get(name)
    if (!namespace) return
    for (const { event, audience, traceparent } of signals) {
      const { type, argsJson, spread, roomId, isApplications } = event
      const args = fromJson(argsJson) as unknown[]
      const sent = RoomEvent.transient(type, args, spread, { roomId, isApplications })
      if (traceparent !== undefined) {
        sent.causedBy(traceparent)
        this.follow(namespace.state, { type, roomId }, traceparent)
      }
      namespace.requests.fanOut.emit(sent, audience)
    }
    this.runtime.turn.endSoon()
  }

  onChanged(name: string, changes: readonly NotedChange[]): void {
    const fanOut = this.parts.namespaces.get(name)?.requests.fanOut
    for (const { roomId, change, stand, userId } of changes) {
      if (!isStateChange(change)) fanOut?.texts.changed(roomId, change)
      else if (stand) fanOut?.states.changed(roomId, change, stand, userId)
    }
    this.runtime.turn.endSoon()
  }

  onRedacted(name: string, roomId: string): void {
    const room = this.parts.namespaces.get(name)?.state.rooms.get(roomId)
    room?.tail.clear(room.head) // what is read from now on comes from the log
  }

  headOf(name: string, roomId: string): SentHead | undefined {
    const room = this.parts.namespaces.get(name)?.state.rooms.get(roomId)
    if (room?.state !== 'open') return undefined
    const { epoch, head: seq, tail, pv } = room
    return { epoch, seq, n: tail.get(seq)?.stored?.n, pv }
  }

  onReset(name: string, head: Head): void {
    const room = this.parts.namespaces.get(name)?.state.rooms.get(head.roomId)
    if (room?.state === 'open' && room.epoch !== head.epoch) {
      this.parts.namespaces.get(name)?.state.beside?.onHole(room.id)
      this.parts.catchUp.onOtherLog(room, head)
      this.parts.namespaces.get(name)?.requests.fanOut.texts.forget(room)
    }
    this.runtime.turn.endSoon()
  }

  onOtherLog(name: string, logId: string): void {
    const namespace = this.parts.namespaces.get(name)
    if (namespace) namespace.state.logId = logId
  }

  onPresence(name: string, diff: PresenceDiff): void {
    this.parts.namespaces.get(name)?.presence.onDiff(diff)
    this.runtime.turn.endSoon()
  }

  onTaken(name: string, sessionId: string, fence: number): void {
    const namespace = this.parts.namespaces.get(name)
    if (namespace) this.parts.sessions.taken(namespace.state, sessionId, fence)
    namespace?.state.beside?.onTaken(sessionId, fence)
    this.runtime.turn.endSoon()
  }

  onLeadLost({ name, fence }: LeadMark): void {
    this.parts.leads.onFenced(name, fence)
  }

  onOnline(name: string, online: OnlineUsers): void {
    this.parts.namespaces.get(name)?.users.onOnline(online)
    this.runtime.turn.endSoon()
  }

  /** Whatever was missed shows as a difference between what was released and the heads. */
  onBreak(name: string, heads?: readonly Head[]): void {
    const namespace = this.parts.namespaces.get(name)
    if (!namespace) return
    // First: no event of another room may overtake those that were missed. G1.
    if (heads) this.onHeads(namespace, heads)
    namespace.presence.onBreak()
    namespace.users.onBreak()
    namespace.inboxes.onBreak()
    this.parts.sessions.findTaken(namespace.state).catch((error: unknown) => {
      this.runtime.observer.observe({ type: 'commit:failed', namespace: name, error })
    })
    if (heads) return
    this.compare(
      namespace,
      [...namespace.state.rooms.values()].filter((room) => room.state === 'open'),
    )
  }

  onAsk(question: NodeQuestion): Awaitable<unknown> {
    return this.runtime.nodes.answer(question)
  }

  /** Of a request of another node, which follows it. */
  private follow(
    namespace: NamespaceState,
    { type, roomId, seq }: { readonly type: string; readonly roomId: string | undefined; readonly seq?: number },
    traceparent: string,
  ): void {
    const { tracer, turn } = this.runtime
    const ended = tracer && traceRemote(tracer, namespace, { event: type, roomId, seq, traceparent })
    if (ended) turn.afterFlush(ended)
  }

  private compare(namespace: LoggedNamespace, rooms: readonly Room[]): void {
    const { name } = namespace.state
    const roomIds = rooms.map(({ id }) => id)
    this.runtime.broker.heads(name, roomIds).then(
      (heads) => this.onHeads(namespace, heads),
      (error: unknown) => {
        this.runtime.observer.observe({ type: 'commit:failed', namespace: name, error })
        // Until the heads are known there may be a hole that nothing shows.
        this.runtime.timers.add(RETRY_MS, () => this.compare(namespace, rooms))
      },
    )
  }

  private onHeads({ state, requests }: LoggedNamespace, heads: readonly Head[]): void {
    const { catchUp } = this.parts
    for (const head of heads) {
      const room = state.rooms.get(head.roomId)
      if (room?.state !== 'open') continue
      state.headN = Math.max(state.headN, head.n ?? 0)
      if (head.isGrowing || room.texts.size > 0) requests.fanOut.texts.readAgain(room)
      if (head.hasState || room.facts.fv > 0) requests.fanOut.states.readAgain(room)
      if (head.epoch !== room.epoch || head.seq > room.head) state.beside?.onHole(room.id)
      if (head.epoch !== room.epoch) {
        catchUp.onOtherLog(room, head)
        requests.fanOut.texts.forget(room)
      } else if (head.seq > room.head) {
        catchUp.onHole(room)
        room.tail.clear(head.seq)
        room.head = head.seq
      }
    }
    this.runtime.turn.endSoon()
  }
}
