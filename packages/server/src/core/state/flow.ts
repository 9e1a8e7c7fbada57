/**
 * How the events of a room flow to a member: all of them, the latest when its link is slow, or the latest every so often.
 * A sampler holds what came since the last time for all members with the same interval, so an event is still encoded once. D14.
 */
import type { RoomEvent } from '../events/event.ts'
import { ENDED, isGrowing, repeatOf } from '../events/growing-text.ts'

/** As a client asks for it. */
export type Flow = 'all' | 'latest' | { readonly everyMs: number }

/** Intervals that there are: each is a group of members of its own. */
const INTERVALS_MS = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000] as const
/** Events that a sampler holds, one per key; more forget the oldest. */
const HELD_MAX = 256

/** @returns what is granted: the shortest interval that is not shorter */
export function grantedFlow(flow: Flow | undefined): Flow {
  if (flow === undefined || typeof flow === 'string') return flow ?? 'all'
  return { everyMs: INTERVALS_MS.find((interval) => interval >= flow.everyMs) ?? 60_000 }
}

/** @returns the interval of a flow that has one */
export function intervalOf(flow: Flow): number | undefined {
  return typeof flow === 'string' ? undefined : flow.everyMs
}

/**
 * Whether an event may be left out for a later one of its key: what applications send, and durable events. Changes that are
 * numbered in another way, such as presence and the pieces of a message, are gathered by their own rules.
 */
export function mayBeLeftOut(event: RoomEvent): boolean {
  return event.stored ? !isGrowing(event) && event.type !== ENDED : event.isApplications
}

interface Held<IsFor> {
  readonly event: RoomEvent
  readonly isFor: IsFor | undefined
}

/** `IsFor`: tells which members an event is for. */
export class Sampler<IsFor> {
  readonly everyMs: number
  sentAtMs = Number.NEGATIVE_INFINITY
  /** Cancels what sends the held events; nothing while there are none. */
  cancel: (() => void) | undefined
  /** By key, the latest last. */
  private held = new Map<string, Held<IsFor>>()

  constructor(everyMs: number) {
    this.everyMs = everyMs
  }

  /** Keeps the latest of a key. */
  hold(event: RoomEvent, latestKey: string | undefined, isFor?: IsFor): void {
    const key = `${event.type}\n${latestKey ?? ''}`
    this.held.delete(key)
    this.held.set(key, { event, isFor })
    if (this.held.size > HELD_MAX) this.held.delete(this.held.keys().next().value as string)
  }

  /** What is due now; it comes out of its place, so it moves no position. */
  take(nowMs: number): readonly (Held<IsFor> & { readonly key: string })[] {
    const { held } = this
    this.held = new Map()
    this.sentAtMs = nowMs
    this.cancel?.()
    this.cancel = undefined
    return Array.from(held, ([key, { event, isFor }]) => ({
      ...{ key, isFor },
      event: event.stored ? repeatOf(event) : event,
    }))
  }
}
