/** Binary inside JSON: `{"$binary":"<base64>"}`. W10. Isomorphic, so base64 goes through `btoa`/`atob`. */

/** @returns true for what is bytes: a buffer, or any view of one (typed arrays, `DataView`, Node's `Buffer`) */
export function isBytes(value: unknown): value is ArrayBufferLike | ArrayBufferView {
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer || isShared(value)
}

/** @returns the bytes themselves, not copied: of a view those that it shows */
export function bytesOf(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value)
}

/** Pages that are not isolated have no such class. */
function isShared(value: unknown): value is SharedArrayBuffer {
  return typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer
}

/**
 * @returns true when `value` holds bytes anywhere. Depth is bounded by what the decoder let in.
 * @throws TypeError for a `Blob`, whose bytes cannot be read at once
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

/** JSON text of `value`, bytes as `$binary`. Throws what `JSON.stringify` throws (cycles, BigInt). */
export function toJson(value: unknown): string {
  return JSON.stringify(value, holdsBinary(value) ? withPlaceholders : undefined) ?? 'null'
}

/** The value that `text` holds, `$binary` as bytes. Throws SyntaxError. */
export function fromJson(text: string): unknown {
  return text.includes('"$binary"') ? JSON.parse(text, withBytes) : JSON.parse(text)
}

/** A replacer. It looks at what is held itself, since Node's buffers have a `toJSON` of their own. */
function withPlaceholders(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const held = this[key]
  return isBytes(held) ? { $binary: toBase64(bytesOf(held)) } : value
}

/** A reviver: what stands for bytes becomes them. */
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
