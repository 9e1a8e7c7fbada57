/**
 * The life of a connection: `authenticating` → `open` → `closed`, and who its user is meanwhile. These fields are readonly
 * everywhere else, so nothing outside this folder can change them.
 */
import type { Identity, User } from '../ports/users.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { Session } from '../state/session.ts'

type Changed = 'id' | 'stage' | 'user' | 'auth' | 'expiresAt' | 'session'
type Changing = { -readonly [Field in Changed]: Connection[Field] }

/** Its user is known, and the checks of the namespace come next. */
export function identified(connection: Connection, { user, expiresAt }: Identity): void {
  const changing: Changing = connection
  changing.user = user
  changing.expiresAt = expiresAt
}

/** As {@link identified}, for a connection that never opens: see reader.ts. */
export function identifiedForReading(connection: Connection, identity: Identity): void {
  identified(connection, identity)
  const changing: Changing = connection
  changing.auth = identity.user.guest ? 'guest' : 'authenticated'
}

/** Its client resumes a session, so it has the id that it had before; a guest also is the same user again. */
export function recognised(connection: Connection, id: string, user: User): void {
  const changing: Changing = connection
  changing.id = id
  changing.user = user
}

/** The session could not be resumed after all. */
export function unrecognised(connection: Connection, id: string): void {
  const changing: Changing = connection
  changing.id = id
}

/** Checks have passed. */
export function opened(connection: Connection): void {
  const changing: Changing = connection
  changing.stage = 'open'
  changing.auth = connection.user.guest ? 'guest' : 'authenticated'
}

/** Its client can come back to this session. */
export function sessionBegun(connection: Connection, session: Session): void {
  const changing: Changing = connection
  changing.session = session
}

/** Its node took its session over once more, for a newer connection. */
export function sessionTaken(connection: Connection, session: Session): void {
  sessionBegun(connection, session)
}

/** Another token on the open connection is good until then. */
export function tokenRenewed(connection: Connection, expiresAt: number | undefined): void {
  const changing: Changing = connection
  changing.expiresAt = expiresAt
}

/** The user has another name or role, or another user is behind it. */
export function userChanged(connection: Connection, user: User): void {
  const changing: Changing = connection
  changing.user = user
}

/** It has a token now, also if it opened as a guest's. */
export function authenticated(connection: Connection): void {
  const changing: Changing = connection
  changing.auth = 'authenticated'
}

/** Nothing is sent to it any more. */
export function closed(connection: Connection): void {
  const changing: Changing = connection
  changing.stage = 'closed'
}
