/** Which names a person may give a room, and which rooms are for talking at all. */

/** Rooms of other features of Commons live on the same namespace; theirs have a colon, or one of these names. */
const NOT_FOR_TALKING: ReadonlySet<string> = new Set(['market', 'shop'])
const MAX_BYTES = 128

export function isForTalking(roomId: string): boolean {
  return !roomId.includes(':') && !NOT_FOR_TALKING.has(roomId)
}

/** @returns what is wrong with it, as a sentence */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'Give the room a name'
  if (new TextEncoder().encode(name).length > MAX_BYTES) return 'That name is too long'
  if (/[\p{Cc}{}:]/u.test(name)) return 'A name has no colon, no braces and no control characters'
  return isForTalking(name) ? undefined : 'That name is taken by another page'
}

export function normalizeName(name: string): string {
  return name.normalize('NFC').trim().replace(/\s+/g, ' ')
}
