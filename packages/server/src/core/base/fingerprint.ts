/**
 * A short mark of a text, which tells a repeat from another request under the same key. Two independent 32-bit
 * multiply-and-xor hashes and the length: it finds mistakes of a caller. It is no defence against
 * attacks, which could only harm the attacker's own requests.
 */
export function fingerprint(text: string): string {
  let a = 0x9e3779b9
  let b = 0x85ebca6b
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0xc2b2ae35) + 0x27d4eb2f
    b ^= b >>> 15
  }
  a ^= a >>> 16
  return `${text.length.toString(36)}-${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}`
}
