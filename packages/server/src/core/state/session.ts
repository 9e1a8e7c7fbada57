/**
 * What survives a connection in dialects that recover: the resume token, who it was, and so the grace of its presence.
 * Where clients tell their positions with each join, a session is small, and saved when it is cut off. Where the server
 * brings the rooms back, it is saved with each join and leave (saved-sessions.ts), so that it outlives the process. Kept by
 * the broker 120 s after the last contact.
 */

export interface Session {
  /** The resume token: unguessable, told to its client only. */
  readonly id: string
  /** A resumed one: where its last connection entered the inbox. What was on its way since may never have arrived. */
  readonly inboxAt?: number | undefined
  /** Where it began, or was resumed, among the transient events of its namespace. */
  readonly since?: number
}

/** Characters of a resume token. */
export const SESSION_ID_LENGTH = 32
