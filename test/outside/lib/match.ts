/** What a frame looks like, and how a test says which one it waits for. */

export interface Frame {
  type: string
  [field: string]: unknown
}

/** A type, some fields with their values, or a test. */
export type Match = string | Record<string, unknown> | ((frame: Frame) => boolean)

export function matches(frame: Frame, match: Match): boolean {
  if (typeof match === 'string') return frame.type === match
  if (typeof match === 'function') return match(frame)
  return Object.entries(match).every(([field, value]) => frame[field] === value)
}

export function describe(match: Match): string {
  return typeof match === 'function' ? match.toString() : JSON.stringify(match)
}
