/** What the server refuses, for a person. A sentence that an application wrote about the case at hand stays as it is. */
import type { RoomfulError } from '@roomful/client'

const WORDS: Readonly<Record<string, string>> = {
  RATE_LIMITED: 'You’re sending messages too fast. Wait a moment.',
  TOO_LARGE: 'That’s too long.',
  TOO_MANY_ROOMS: 'You’re in too many rooms. Leave one first.',
  TOO_MANY_CONNECTIONS: 'Too many open connections. Close other tabs and try again.',
  UNAVAILABLE: 'The server is busy. Try again in a moment.',
  TIMEOUT: 'The server didn’t respond. Try again.',
  INTERNAL: 'Something went wrong on the server. Try again.',
  NOT_CONNECTED: 'You’re offline.',
  TOKEN_EXPIRED: 'Your session has expired. Sign in again.',
  TOKEN_INVALID: 'Your session has expired. Sign in again.',
  UNAUTHENTICATED: 'Sign in to do this.',
  USER_UNKNOWN: 'This account no longer exists.',
  BANNED: 'Your account has been suspended.',
  EXPIRED: 'This was written too long ago to be sent. Copy it and send it again.',
}
/** What the library says of its own rules, which names rooms and actions as programs do. */
const TECHNICAL = /^You are not allowed to \w+ "/

export function errorWords(error: Pick<RoomfulError, 'code' | 'message'>): string {
  if (error.code === 'FORBIDDEN')
    return TECHNICAL.test(error.message) ? 'You don’t have permission to do this.' : error.message
  return WORDS[error.code] ?? error.message
}
