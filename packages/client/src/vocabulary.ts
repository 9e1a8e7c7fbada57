/** The types of the room vocabulary (PROTOCOL.md 8), taken from the protocol's schemas as types alone: they weigh nothing. */
import type { DownData, DownName, UpAck, UpData, UpName } from '@roomful/protocol/messages'

export type { DownData, DownName, UpAck, UpData, UpName }

/** A user in a room. */
export type Member = UpAck<'presence:get'>['users'][number]

/** The answer to a join. */
export type JoinReply = UpAck<'room:join'>

/** Somebody who is writing. */
export interface Typist {
  readonly userId: string
  readonly name: string
}

/** History could not be resumed without a gap: what is missing lies before `from`. G4. */
export interface Reset {
  readonly roomId: string
  /** The log is another one, was trimmed, or the gap is too long to replay. */
  readonly reason: 'epoch' | 'trimmed' | 'too_far' | (string & {})
  /** The first event that follows. */
  readonly from: number
  /** The newest one. */
  readonly to: number
}
