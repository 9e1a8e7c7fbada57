/**
 * What a handler asked for, recorded and not yet done: a throw discards it all. commit.ts does it, in one place, when the
 * turn ends. Q7.
 */

import type { Position } from '@roomful/protocol'
import type { RoomEvent } from '../events/event.ts'
import type { FactChange } from '../ports/broker.ts'
import type { Audience } from '../ports/signal.ts'
import type { User } from '../ports/users.ts'
import type { Connection, Room } from '../state/namespace-state.ts'

/** A join that was allowed, with its place in the room taken; it is carried out or abandoned. */
export interface PreparedJoin {
  readonly connection: Connection
  readonly room: Room
  /** The position to resume after. */
  readonly after: Position | number | undefined
  /** Whom the rules were asked about. */
  readonly user: User
}

/** A durable event to be appended to one room. */
export interface AppendEffect {
  readonly kind: 'append'
  readonly roomId: string
  readonly type: string
  readonly args: readonly unknown[]
  readonly argsJson: string
  readonly userId: string | undefined
  /** Appends of one request with the same unit are stored together or not at all. */
  readonly atomicGroup: number | undefined
  /** An event of the room that it is about: stored only while that one has its content. */
  readonly aboutSeq: number | undefined
  /** The log of the room that its numbers and versions are of. */
  readonly epoch?: string | undefined
  /** What it does to a fact of the room; unless it begins or ends a message, that is all it does. */
  readonly change?: FactChange | undefined
  /** The id of the connection that does not get it. */
  readonly except?: string | undefined
}

/** A transient or volatile event to those connected now. */
export interface EmitEffect {
  readonly kind: 'emit'
  readonly event: RoomEvent
  readonly audience: Audience
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

export { type Stored, toStored } from '../events/event.ts'
export { type Audience, EVERYONE } from '../ports/signal.ts'
