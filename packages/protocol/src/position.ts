/**
 * Where a client stands. In a room: `epoch` (which log) and `seq` (1, 2, 3 … in it). In a namespace: a cursor,
 * `<logId>.<n>`, where `n` is the commit number; a log id begins with the version of the form.
 */
export interface Position {
  epoch: string
  seq: number
}

export interface Cursor {
  logId: string
  n: number
}

const CURSOR = /^(1[a-z0-9]{4,32})\.(0|[1-9][0-9]{0,15})$/

export function formatCursor(logId: string, n: number): string {
  return `${logId}.${n}`
}

/** @returns the cursor, or `undefined` for anything that this version did not write. */
export function parseCursor(text: unknown): Cursor | undefined {
  if (typeof text !== 'string' || text.length > 64) return undefined
  const match = CURSOR.exec(text)
  if (!match) return undefined
  const n = Number(match[2])
  return Number.isSafeInteger(n) ? { logId: match[1] as string, n } : undefined
}

/** Why a resume could not be gap-free. G4. */
export type ResetReason = 'epoch' | 'trimmed' | 'too_far'
