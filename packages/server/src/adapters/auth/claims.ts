/** From the claims of a verified token to a user. PROTOCOL.md 3: which claim counts, and what a role may be. */
import { isRoomId } from '@roomful/protocol'
import { RoomfulError } from '../../core/base/errors.ts'
import { salvageName } from '../../core/base/names.ts'
import type { Identity } from '../../core/ports/authenticator.ts'
import { USER_ID_MAX_BYTES, type User } from '../../core/ports/user.ts'
import { isGuestId } from '../../core/sessions/guests.ts'

export const ROLES = ['user', 'support', 'seller', 'admin'] as const
export type Role = (typeof ROLES)[number]

export type Claims = Readonly<Record<string, unknown>>

export function isRole(value: unknown): value is Role {
  return (ROLES as readonly unknown[]).includes(value)
}

/**
 * @param claims of a token whose signature and times are in order
 * @throws RoomfulError TOKEN_INVALID when they name nobody
 */
export function identityOf(claims: Claims): Identity {
  const sub = subjectOf(claims)
  const { exp, guest: _, ...others } = claims
  const user: User = {
    ...others,
    sub,
    name: nameOf(claims.name) ?? nameOf(claims.username) ?? nameOf(sub) ?? sub,
    // A role that Roomful does not know gives no right beyond a user's.
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
  // Its inbox is a room of that name.
  if (!isRoomId(subject)) throw refusal('the subject has characters that an id may not have')
  // Else a token could speak for a guest of the moment.
  if (isGuestId(subject)) throw refusal('a subject must not begin with guest:')
  return subject
}

/** Database keys come as numbers. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A name is shown to everyone in the room. */
function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' ? salvageName(value) : undefined
}

/** TOKEN_INVALID with the class of what is wrong, and nothing of the token itself. A2.3. */
export function refusal(what: string, cause?: unknown): RoomfulError {
  return new RoomfulError('TOKEN_INVALID', `Authentication failed: ${what}`, { cause })
}
