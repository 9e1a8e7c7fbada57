/** Events that no log stores, on their way to the clients that are connected now. */
import type { LeadMark } from './leads.ts'

/** Whom an event is for. */
export interface Audience {
  /** Rooms (or connection ids, or `user:<id>`), of which there may be none; `undefined` means the whole namespace. */
  readonly rooms: readonly string[] | undefined
  /** Rooms and connection ids that get no copy. */
  readonly except: readonly string[]
  /** May be dropped for a slow link. */
  readonly volatile: boolean
  /** The latest volatile event per key is kept for a slow link instead. */
  readonly latestKey: string | undefined
}

export const EVERYONE: Audience = { rooms: undefined, except: [], volatile: false, latestKey: undefined }

/** An event that no log keeps, for those connected now. It keeps its place among the appends of its batch. */
export interface Signal {
  /** How many appends of the batch stand before it. */
  readonly at: number
  /** The appends of its own request, `to` not included: if one is refused or is a repeat, the signal is not sent. */
  readonly from: number
  readonly to: number
  readonly event: SignalEvent
  /** A node receives the event once, whatever number of rooms and connections matches there. */
  readonly audience: Audience
  /** It is sent by a lead: not once a later one has begun. */
  readonly lead?: LeadMark | undefined
  /** Of the request, where it is followed. */
  readonly traceparent?: string | undefined
}

/** A signal as another node receives it. */
export type SentSignal = Pick<Signal, 'event' | 'audience' | 'traceparent'>

/** An event as it goes from node to node. */
export interface SignalEvent {
  readonly type: string
  /** JSON text of the arguments, an array. */
  readonly argsJson: string
  /** Its one argument goes beside `type` in plain JSON: no field of it is a reserved one, or a contract says so. */
  readonly spread: boolean
  /** The one room that it is for. */
  readonly roomId: string | undefined
  /** An application's own, which is kept for clients that recover; not presence or typing, which have snapshots. */
  readonly isApplications: boolean
}
