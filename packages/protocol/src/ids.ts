/** How rooms, repeats and places in a log are named: room ids, idempotency keys, positions and cursors. */

/** Longest room id in bytes of UTF-8. M1: at least 1 byte, NFC, no control characters, no braces. */
export const ROOM_ID_MAX_BYTES = 128

const PLAIN_ASCII = /^[\x21-\x7a|~]{1,128}$/
// Control characters, braces, lone surrogates and the bidirectional overrides that make a name look like another.
const FORBIDDEN = /[\p{Cc}\p{Cs}{}\u202a-\u202e\u2066-\u2069]/u
const utf8 = /* @__PURE__ */ new TextEncoder()

/** @returns true when `value` is a valid room id; for ordinary ASCII names one regular expression decides */
export function isRoomId(value: unknown): value is string {
  if (typeof value !== 'string') return false
  if (PLAIN_ASCII.test(value)) return true
  // An inbox is longer than its user's id by the prefix: the limit is on the id, so that every user has an inbox.
  const id = value.startsWith(INBOX_PREFIX) ? value.slice(INBOX_PREFIX.length) : value
  if (id.length === 0 || id.length > ROOM_ID_MAX_BYTES) return false
  return !FORBIDDEN.test(id) && id.normalize('NFC') === id && utf8.encode(id).length <= ROOM_ID_MAX_BYTES
}

const INBOX_PREFIX = 'user:'

/** @returns the room id of a user's inbox, which only that user can read and join */
export function inboxOf(userId: string): string {
  return INBOX_PREFIX + userId
}

/** @returns true for the inbox of any user */
export function isInbox(roomId: string): boolean {
  return roomId.startsWith(INBOX_PREFIX)
}

/** How the ids of connections begin. Events can be sent to one, as to a room. */
export const CONNECTION_ID_PREFIX = 'c_'

/** @returns true for inboxes and connection ids, which no list of rooms contains. A1.4, B25. */
export function isPersonalRoom(roomId: string): boolean {
  return roomId.startsWith(CONNECTION_ID_PREFIX) || isInbox(roomId)
}

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/**
 * The SDK's keys contain the time, so that the server can distinguish a key that is too old to recognise from a new one.
 * @returns when the key was made, ms since 1970; `undefined` when it is no UUIDv7
 */
export function keyTime(key: string): number | undefined {
  if (key.length !== 36) return undefined
  const match = UUID_V7.exec(key)
  return match ? Number.parseInt(`${match[1]}${match[2]}`, 16) : undefined
}

/**
 * @param now ms since 1970, in server time
 * @param random fills the 10 bytes that it is given
 * @returns a new idempotency key: a UUIDv7 (RFC 9562 section 5.7)
 */
export function createKey(now: number, random: (bytes: Uint8Array) => Uint8Array): string {
  const bytes = new Uint8Array(16)
  random(bytes.subarray(6))
  for (let i = 5, rest = Math.floor(now); i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x70
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** A place in the log of a room. */
export interface Position {
  /** Which log: a room that is emptied or restored begins another one. */
  epoch: string
  /** Number of an event in it: 1, 2, 3, … */
  seq: number
}

/**
 * A place in the log of a namespace, written as `<logId>.<n>`; for pollers with how much they have of messages that are being
 * written, as `~<n>-<length>` for each.
 */
export interface Cursor {
  /** Begins with the version of the form. */
  logId: string
  /** Commit number. */
  n: number
  /** Of messages that are being written: the commit of the beginning, and the length so far. */
  texts?: (readonly [n: number, length: number])[]
}

const CURSOR = /^(1[a-z0-9]{4,32})\.(0|[1-9][0-9]{0,15})((?:~[0-9]{1,15}-[0-9]{1,9})*)$/
const CURSOR_MAX_LENGTH = 1_024
/** Messages in a cursor; of others a poller gets the whole text again. */
const CURSOR_TEXTS_MAX = 32

/** @returns the text of a cursor, as {@link parseCursor} reads it */
export function formatCursor(logId: string, n: number, texts: Cursor['texts'] = []): string {
  const lengths = texts.slice(0, CURSOR_TEXTS_MAX).map(([begun, length]) => `~${begun}-${length}`)
  return `${logId}.${n}${lengths.join('')}`
}

/** @returns the cursor; `undefined` for anything that this version did not write */
export function parseCursor(text: unknown): Cursor | undefined {
  if (typeof text !== 'string' || text.length > CURSOR_MAX_LENGTH) return undefined
  const match = CURSOR.exec(text)
  if (!match) return undefined
  const [, logId = '', commit, lengths = ''] = match
  const n = Number(commit)
  if (!Number.isSafeInteger(n)) return undefined
  if (lengths === '') return { logId, n }
  const texts = lengths.slice(1).split('~')
  return { logId, n, texts: texts.map((each) => each.split('-').map(Number) as [number, number]) }
}

/** Why a resume left a gap: another log, a trimmed one, or too many events to replay. G4. */
export type ResetReason = 'epoch' | 'trimmed' | 'too_far'
