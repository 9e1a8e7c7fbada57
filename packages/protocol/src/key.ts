/** Idempotency keys. The SDK's are UUIDv7 in server time (RFC 9562 section 5.7), so that one too old is told from a new one. */

const UUID_V7 = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** @returns the moment in the key, ms since 1970, or `undefined` when it is no UUIDv7. */
export function keyTime(key: string): number | undefined {
  if (key.length !== 36) return undefined
  const match = UUID_V7.exec(key)
  return match ? Number.parseInt(`${match[1]}${match[2]}`, 16) : undefined
}

/**
 * @param now ms since 1970, in server time
 * @param random fills 10 bytes
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
