/**
 * What a handler wants to happen, recorded and not yet done: a throw discards it all. commit.ts does it, in one place,
 * when the turn ends. DESIGN 5.
 */
import type { RoomEvent } from './event.ts'
import type { PreparedJoin } from './members.ts'
import type { Appended } from './ports/broker.ts'

/** A durable event to be appended to one room. */
export interface AppendEffect {
  readonly kind: 'append'
  readonly roomId: string
  readonly type: string
  readonly args: readonly unknown[]
  readonly argsJson: string
  readonly userId: string | undefined
  /** Appends of one request with the same unit are stored together or not at all. */
  readonly unit: number | undefined
  /** An event of the room that it is about: stored only while that one has its content. */
  readonly target: number | undefined
}

/** A transient or volatile event to those connected now. */
export interface EmitEffect {
  readonly kind: 'emit'
  readonly event: RoomEvent
  readonly target: Target
}

export interface JoinEffect {
  readonly kind: 'join'
  readonly prepared: PreparedJoin
}

export interface LeaveEffect {
  readonly kind: 'leave'
  readonly roomId: string
}

export type Effect = AppendEffect | EmitEffect | JoinEffect | LeaveEffect

/** Whom an event is for. */
export interface Target {
  /** Rooms (or connection ids, or `user:<id>`), of which there may be none; `undefined` means the whole namespace. */
  readonly rooms: readonly string[] | undefined
  /** Rooms and connection ids that get no copy. */
  readonly except: readonly string[]
  /** May be dropped for a slow link. */
  readonly volatile: boolean
  /** The latest volatile event per key is kept for a slow link instead. */
  readonly latestKey: string | undefined
}

export const EVERYONE: Target = { rooms: undefined, except: [], volatile: false, latestKey: undefined }

/** What the log said of a durable event. */
export interface Stored {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  readonly n: number
  readonly ts: number
  /** A repeat: these are the numbers of the first time. */
  readonly duplicate: boolean
}

/** A durable event as listeners of `stored` receive it. */
export interface StoredEvent extends Omit<Stored, 'duplicate'> {
  readonly type: string
  readonly args: readonly unknown[]
  /** The first argument; most events have no other. */
  readonly data: unknown
  /** Who caused it; `undefined` for the server itself. */
  readonly userId: string | undefined
  /** The idempotency key of its request. */
  readonly key: string | undefined
}

export function toStored(roomId: string, result: Extract<Appended, { n: number }>): Stored {
  const { n, seq, ts, status } = result
  return { id: `${roomId}-${seq}`, roomId, seq, n, ts, duplicate: status === 'duplicate' }
}
