/** What a room may be called. M1: 1–128 bytes of UTF-8, NFC, no control characters, no braces. */
export const ROOM_ID_MAX_BYTES = 128

const PLAIN_ASCII = /^[\x21-\x7a|~]{1,128}$/
// Control characters, braces, lone surrogates and the bidirectional overrides that make a name look like another.
const FORBIDDEN = /[\p{Cc}\p{Cs}{}\u202a-\u202e\u2066-\u2069]/u
const utf8 = /* @__PURE__ */ new TextEncoder()

/** @returns true when `value` may name a room. Ordinary ASCII names take one test. */
export function isRoomId(value: unknown): value is string {
  if (typeof value !== 'string') return false
  if (PLAIN_ASCII.test(value)) return true
  // An inbox is longer than its user's id by the prefix, so that every user has one.
  const id = value.startsWith(INBOX_PREFIX) ? value.slice(INBOX_PREFIX.length) : value
  if (id.length === 0 || id.length > ROOM_ID_MAX_BYTES) return false
  return !FORBIDDEN.test(id) && id.normalize('NFC') === id && utf8.encode(id).length <= ROOM_ID_MAX_BYTES
}

const INBOX_PREFIX = 'user:'

/** The inbox of a user: readable and joinable by its owner only. */
export function inboxOf(userId: string): string {
  return INBOX_PREFIX + userId
}

export function isInbox(roomId: string): boolean {
  return roomId.startsWith(INBOX_PREFIX)
}

const PERSONAL = /^(user:|c_)/

/** Personal rooms (inboxes and connection ids) are in no list. A1.4, B25. */
export function isPersonalRoom(roomId: string): boolean {
  return PERSONAL.test(roomId)
}
