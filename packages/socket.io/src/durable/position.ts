/** Where a client stands: the latest commit, and the latest of the other events, that it got. It is the string at the end of events. */

export interface Position {
  readonly logId: string
  readonly n: number
  /** Which run of the server counted the other events. */
  readonly run: string
  readonly k: number
}

const FORM = /^([\w-]{1,64}):([0-9a-z]{1,11})\.([0-9a-z]{1,16})\.([0-9a-z]{1,11})$/

export function formatPosition({ logId, n, run, k }: Position): string {
  return `${logId}:${n.toString(36)}.${run}.${k.toString(36)}`
}

/** @returns undefined for anything else */
export function parsePosition(text: unknown): Position | undefined {
  const match = typeof text === 'string' ? FORM.exec(text) : null
  if (!match) return undefined
  const [, logId = '', n = '', run = '', k = ''] = match
  return { logId, n: Number.parseInt(n, 36), run, k: Number.parseInt(k, 36) }
}
