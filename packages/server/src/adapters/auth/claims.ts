/** Reads the user from the claims of a verified token. PROTOCOL.md, section 3. */
import { isRoomId } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import { salvageName } from '../../core/base/names.ts'
import type { Identity } from '../../core/ports/users.ts'
import { USER_ID_MAX_BYTES, type User } from '../../core/ports/users.ts'
import { isRights } from '../../core/rooms/rights.ts'
import { isGuestId } from '../../core/sessions/guests.ts'

/** The roles that Roomful knows. */
export const ROLES = ['user', 'support', 'seller', 'admin'] as const
/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number]

/** The payload of a token. */
export type Claims = Readonly<Record<string, unknown>>

/** Whether a value is one of {@link ROLES}. */
export function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value)
}

/**
 * The user of a token.
 * @param claims of a token with a valid signature and valid times
 * @throws RoomfulError TOKEN_INVALID when they name no user
 */
export function identityOf(claims: Claims): Identity {
  const sub = subjectOf(claims)
  const { exp, guest: _, ...others } = claims
  // Without this check a mistake in the claim would give all rights.
  if (claims.rooms !== undefined && !isRights(claims.rooms)) {
    throw refusal('the claim rooms is not a list of actions by room')
  }
  const user: User = {
    ...others,
    sub,
    name: nameOf(claims.name) ?? nameOf(claims.username) ?? nameOf(sub) ?? sub,
    // An unknown role has the rights of a user.
    role: isRole(claims.role) ? claims.role : 'user',
  }
  return { user, expiresAt: typeof exp === 'number' ? Math.min(exp * 1000, Number.MAX_SAFE_INTEGER) : undefined }
}

function subjectOf({ sub, userId, id, username }: Claims): string {
  const subject = [sub, userId, id, username].map(idOf).find((candidate) => candidate !== undefined)
  if (subject === undefined) throw refusal('the token names no subject')
  if (Buffer.byteLength(subject) > USER_ID_MAX_BYTES) {
    throw refusal(`the subject is longer than ${USER_ID_MAX_BYTES} bytes`)
  }
  // The subject is part of the inbox's room name.
  if (!isRoomId(subject)) throw refusal('the subject has characters that an id may not have')
  // Otherwise a token could impersonate a guest.
  if (isGuestId(subject)) throw refusal('a subject must not begin with guest:')
  return subject
}

/** Ids may be numbers, such as keys of a database. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The name, with characters removed that must not be shown to others. */
function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' ? salvageName(value) : undefined
}

/** TOKEN_INVALID with the kind of problem, without content of the token. A2.3. */
export function refusal(what: string, cause?: unknown): RoomfulError {
  return new RoomfulError('TOKEN_INVALID', `Authentication failed: ${what}`, { cause })
}
