/** Binary inside JSON: `{"$binary":"<base64>"}`. WIRE 3. Isomorphic, so base64 goes through `btoa`/`atob`. */

/** @returns true when `value` holds bytes anywhere. Depth is bounded by what the decoder let in. */
export function holdsBinary(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Uint8Array || value instanceof ArrayBuffer) return true
  if (Array.isArray(value)) return value.some(holdsBinary)
  for (const key in value) if (holdsBinary((value as Record<string, unknown>)[key])) return true
  return false
}

/** JSON text of `value`, bytes as `$binary`. Throws what `JSON.stringify` throws (cycles, BigInt). */
export function toJson(value: unknown): string {
  if (!holdsBinary(value)) return JSON.stringify(value) ?? 'null'
  return JSON.stringify(withPlaceholders(value)) ?? 'null'
}

/** The value that `text` holds, `$binary` as bytes. Throws SyntaxError. */
export function fromJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return text.includes('"$binary"') ? withBytes(value) : value
}

function withPlaceholders(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof ArrayBuffer) return { $binary: toBase64(new Uint8Array(value)) }
  if (value instanceof Uint8Array) return { $binary: toBase64(value) }
  if (Array.isArray(value)) return value.map(withPlaceholders)
  if ('toJSON' in value && typeof value.toJSON === 'function') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withPlaceholders(inner)]))
}

function withBytes(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withBytes)
  const keys = Object.keys(value)
  if (keys.length === 1 && keys[0] === '$binary') {
    const encoded = (value as { $binary: unknown }).$binary
    const bytes = typeof encoded === 'string' ? fromBase64(encoded) : undefined
    return bytes ?? value
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]))
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
