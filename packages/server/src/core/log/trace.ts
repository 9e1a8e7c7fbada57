/** What a trace gets of events on their way to clients: of requests that are followed, and of the server's own events. */
import { eventId } from '@roomful/protocol'
import { isEvent } from '../ports/facts.ts'
import type { Trace, Tracer } from '../ports/observer.ts'
import type { NamespaceState } from '../state/namespace-state.ts'
import type { AppendEffect, Effect, EmitEffect, Stored } from './effects.ts'

/** Reports what was stored, in its order; `stored` has one entry for each append, or none. */
export function traceStored(
  trace: Trace,
  namespace: NamespaceState,
  effects: readonly Effect[],
  stored: readonly Stored[],
): void {
  if (stored.length === 0) return
  const appends = effects.filter((effect) => effect.kind === 'append' && isEvent(effect))
  for (const [at, { roomId, seq, duplicate }] of stored.entries()) {
    if (duplicate) continue
    const event = (appends[at] as AppendEffect | undefined)?.type ?? ''
    trace.delivering({ event, roomId, id: eventId({ roomId, seq }), connections: countOf(namespace, roomId) })
  }
}

/** An event that is in no log, before it is encoded. */
export function traceEmit(trace: Trace, namespace: NamespaceState, { event, audience }: EmitEffect): void {
  event.causedBy(trace.traceparent)
  const [only, ...others] = audience.rooms ?? []
  const roomId = others.length === 0 ? only : undefined
  const connections = roomId === undefined || audience.except.length > 0 ? undefined : countOf(namespace, roomId)
  trace.delivering({ event: event.type, roomId, id: undefined, connections })
}

/**
 * Reports an event of a request that another node follows.
 * @param seq of a stored one
 * @returns what is called once it is handed to the transports; nothing when it is not followed
 */
export function traceRemote(
  tracer: Tracer,
  namespace: NamespaceState,
  { event, roomId, seq, traceparent }: RemoteEvent,
): (() => void) | undefined {
  const id = roomId === undefined || seq === undefined ? undefined : eventId({ roomId, seq })
  const connections = roomId === undefined ? undefined : countOf(namespace, roomId)
  return tracer.delivering({ namespace: namespace.name, event, roomId, id, connections, traceparent })
}

interface RemoteEvent {
  readonly event: string
  readonly roomId: string | undefined
  readonly seq?: number | undefined
  readonly traceparent: string
}

function countOf(namespace: NamespaceState, roomId: string): number | undefined {
  return namespace.rooms.get(roomId)?.groups.reduce((sum, { members }) => sum + members.length, 0)
}
