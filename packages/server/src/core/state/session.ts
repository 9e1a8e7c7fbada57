/**
 * What outlives a connection in dialects that recover: the resume token and the identity behind it. Where clients give their
 * positions with each join, it is saved when the connection is cut off. Where the server restores the rooms, it is saved with
 * each join and leave (saved-sessions.ts), so that it outlives the process. Where
 * other nodes may take it over, it is saved when it begins as well. The broker keeps it for 120 s after last contact.
 */

export interface Session {
  /** The resume token: unguessable, known to its client alone. */
  readonly id: string
  /** A resumed one: where its last connection entered the inbox. What was on its way since may never have arrived. */
  readonly inboxAt?: number | undefined
  /** Where it began, or was resumed, among the transient events of its namespace. */
  readonly since?: number
  /** Grows whenever it is taken over; what an earlier holder saves counts no more. */
  readonly fence: number
}

/** Of a session that was never taken over. */
export const FIRST_FENCE = 1

/** Characters of a resume token. */
export const SESSION_ID_LENGTH = 32
