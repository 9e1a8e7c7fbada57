/** Texts as Redis sees them: each character of a string is one byte. */
import { Buffer } from 'node:buffer'

const ASCII = /^[\0-\x7f]*$/

export function toBytes(text: string | Uint8Array): string {
  if (typeof text !== 'string') return Buffer.from(text).toString('latin1')
  return ASCII.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

export function fromBytes(bytes: string): string {
  return ASCII.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}
