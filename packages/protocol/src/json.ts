/**
 * JSON as it is on the wire: bytes inside it as `{"$binary":"<base64>"}` (W10), a limit of its depth (R4), and values whose
 * text many messages share. Runs in browsers too, so base64 goes through `btoa` and `atob`.
 */
import { MAX_JSON_DEPTH } from './constants.ts'

/** How the name of a placeholder stands in JSON. */
export const BINARY_MARK = '"$binary"'

/** @returns true for bytes: a buffer, or any view of one (typed arrays, `DataView`, Node's `Buffer`) */
export function isBytes(value: unknown): value is ArrayBufferLike | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isShared(value)
}

/** @returns the bytes, not copied; of a view only those that it covers */
export function bytesOf(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
}

/** Pages that are not cross-origin isolated have no such class. */
function isShared(value: unknown): value is SharedArrayBuffer {
  return typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer
}

/** @returns true for objects that JSON writes with braces: no arrays, no bytes */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isBytes(value)
}

/**
 * @returns true when `value` contains bytes at any depth; the decoder bounds the depth
 * @throws TypeError for a `Blob`, whose bytes cannot be read synchronously
 */
export function holdsBinary(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (isBytes(value)) return true
  if (typeof Blob === 'function' && value instanceof Blob) {
    throw new TypeError('A Blob cannot be sent: send `await blob.arrayBuffer()`')
  }
  if (Array.isArray(value)) return value.some(holdsBinary)
  for (const key in value) if (holdsBinary((value as Record<string, unknown>)[key])) return true
  return false
}

/**
 * @returns JSON text of `value`, bytes as `$binary`
 * @throws what `JSON.stringify` throws (cycles, BigInt)
 */
export function toJson(value: unknown): string {
  return JSON.stringify(value, holdsBinary(value) ? withPlaceholders : undefined) ?? 'null'
}

/**
 * @returns the value of `text`, `$binary` as bytes
 * @throws SyntaxError when it is not JSON
 */
export function fromJson(text: string): unknown {
  // As mayHoldBinary, which would be one function more in the SDK.
  return text.includes('$binary') ? JSON.parse(text, withBytes) : JSON.parse(text)
}

/** @returns false for JSON without bytes. Quotes are everywhere and dollars are rare, so the name alone is found much faster. */
export function mayHoldBinary(json: string): boolean {
  return json.includes('$binary')
}

/** A replacer. It reads the original value from its parent, since Node's buffers have a `toJSON` of their own. */
function withPlaceholders(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const original = this[key]
  return isBytes(original) ? { $binary: toBase64(bytesOf(original)) } : value
}

/** A reviver: turns placeholders back into bytes. */
function withBytes(_key: string, value: unknown): unknown {
  const encoded = (value as { $binary?: unknown } | null)?.$binary
  if (typeof encoded !== 'string' || Object.keys(value as object).length > 1) return value
  return fromBase64(encoded) ?? value
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let start = 0; start < bytes.length; start += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 0x8000))
  }
  return btoa(binary)
}

function fromBase64(text: string): Uint8Array | undefined {
  let binary: string
  try {
    binary = atob(text)
  } catch {
    return undefined // not base64: an ordinary object that happens to have this key
  }
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

/**
 * Reads the depth off the text, so that nothing deep is ever built. R4.
 * @returns true for nesting deeper than `maxDepth`
 */
export function isTooDeep(text: string, maxDepth = MAX_JSON_DEPTH): boolean {
  if (text.length <= maxDepth * 2) return false // too short to be that deep and closed
  // Searching for brackets is much faster than the loop below, and few messages have so many.
  const left = maxDepth - count(text, '[', maxDepth)
  if (left >= 0 && count(text, '{', left) <= left) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  return false
}

/** How often `char` is in `text`; counting ends above `max`. */
function count(text: string, char: string, max: number): number {
  let found = 0
  for (let at = text.indexOf(char); at >= 0 && found <= max; at = text.indexOf(char, at + 1)) found++
  return found
}

const utf8 = /* @__PURE__ */ new TextEncoder()
const PLACEHOLDER = '\u0000shared'

/**
 * A value whose JSON is made once and shared by many messages, such as the members of a large room in the answer to each
 * join. Encoders that write bytes insert `bytes`; all other code sees the value.
 */
export class SharedJson<Value> {
  /** The value itself; must not change. */
  readonly value: Value
  #bytes: Uint8Array | undefined

  /** @param value what `JSON.stringify` can write */
  constructor(value: Value) {
    this.value = value
  }

  /** The value's JSON as UTF-8, made at the first call. */
  get bytes(): Uint8Array {
    this.#bytes ??= utf8.encode(JSON.stringify(this.value))
    return this.#bytes
  }

  /** For encoders that do not know this class. */
  toJSON(): Value {
    return this.value
  }
}

/**
 * Encodes `data` around the one {@link SharedJson} that it may have as a field.
 * @param encode makes the text of a message from its data
 * @returns the text, in three parts when there is a shared field
 */
export function aroundShared(
  data: unknown,
  encode: (data: unknown) => string,
): { before: string; shared: SharedJson<unknown>; after: string } | string {
  if (typeof data !== 'object' || data === null) return encode(data)
  for (const [field, value] of Object.entries(data)) {
    if (!(value instanceof SharedJson)) continue
    const text = encode({ ...data, [field]: PLACEHOLDER })
    const placeholder = JSON.stringify(PLACEHOLDER)
    const at = text.lastIndexOf(placeholder)
    return { before: text.slice(0, at), shared: value, after: text.slice(at + placeholder.length) }
  }
  return encode(data)
}
