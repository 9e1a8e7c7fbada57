/** Ids of sessions and sockets. */
import { randomFillSync } from 'node:crypto'

const BYTES = 15
const pool = Buffer.alloc(BYTES * 256)
let used = pool.length

/** 20 characters of `A-Za-z0-9_-`, unguessable. Frameworks around Socket.IO expect exactly this form. */
export function generateId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += BYTES
  return pool.toString('base64url', used - BYTES, used)
}
