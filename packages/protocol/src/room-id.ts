/** What a room may be called. WIRE 8: 1–128 bytes of UTF-8, NFC, no control characters, no braces. */
export const ROOM_ID_MAX_BYTES = 128

const PLAIN_ASCII = /^[\x21-\x7a|~]{1,128}$/
// Control characters, braces, lone surrogates and the bidirectional overrides that make a name look like another.
const FORBIDDEN = /[\p{Cc}\p{Cs}{}\u202a-\u202e\u2066-\u2069]/u
const utf8 = new TextEncoder()

/** @returns true when `value` may name a room. Ordinary ASCII names take one test. */
export function isRoomId(value: unknown): value is string {
  if (typeof value !== 'string') return false
  if (PLAIN_ASCII.test(value)) return true
  if (value.length === 0 || value.length > ROOM_ID_MAX_BYTES) return false
  return !FORBIDDEN.test(value) && value.normalize('NFC') === value && utf8.encode(value).length <= ROOM_ID_MAX_BYTES
}

/** The inbox of a user: readable and joinable by its owner only. */
export function inboxOf(userId: string): string {
  return `user:${userId}`
}

const PERSONAL = /^(user:|c_)/

/** Personal rooms (inboxes and connection ids) are in no list. A1.4, B25. */
export function isPersonalRoom(roomId: string): boolean {
  return PERSONAL.test(roomId)
}
