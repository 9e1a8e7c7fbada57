/** The messages that clients sent, and whether the log holds what the server answered: stored, refused or redacted. */
import type { Purpose } from './fact.ts'

/** An event as it was stored. */
export interface LoggedEvent {
  readonly seq: number
  readonly key: string | undefined
  /** Comparable with what subscribers received; see {@link contentOf}. */
  readonly content: string
}

export interface LoggedRoom {
  readonly epoch: string | undefined
  /** Epochs that it had before, and the last number that it kept of each. */
  readonly earlier?: ReadonlyMap<string, number> | undefined
  /** Lowest number that could still be read; earlier ones were trimmed. */
  readonly first: number
  /** Everything that was ever stored in it, oldest first; what was before the first of these is not compared. */
  readonly events: readonly LoggedEvent[]
  /** Numbers of those that have no content any more; unknown without it. */
  readonly emptied?: ReadonlySet<number> | undefined
}

/** Where something is in the log. */
export interface Place {
  readonly room: string
  readonly seq: number
}

export interface Sent extends Purpose {
  readonly who: string
  /** It is stored in all of these rooms, or in none. */
  readonly rooms: readonly string[]
  answer: { seq: number | undefined } | undefined
  refusal: string | undefined
  /** The log lost it after the acknowledgement: any outcome is right. */
  isExcused: boolean
}

/** @returns the problem with what became of a message, if there is one */
export function checkSent(key: string, sent: Sent, places: readonly Place[] = []): string | undefined {
  const { who, rooms, answer, refusal, isExcused } = sent
  const [room] = rooms as [string]
  const stray = places.find((place) => !rooms.includes(place.room))
  if (stray) return `${key} was sent to ${room} and is stored in ${stray.room}`
  const missing = rooms.filter((each) => !places.some((place) => place.room === each))
  if (places.length > 0 && missing.length > 0) return `${key} of ${who} is stored, but not in ${missing.join()}`
  const stored = places.find((place) => place.room === room)
  if (refusal !== undefined && stored && !isExcused) return `${key} of ${who} was refused (${refusal}), and is stored`
  if (!answer) return undefined
  if (!stored) return `${key} of ${who} was acknowledged as ${room}#${answer.seq}, and is not in the log`
  if (answer.seq !== undefined && answer.seq !== stored.seq) {
    return `${key} of ${who} was acknowledged as ${room}#${answer.seq}, and is #${stored.seq} in the log`
  }
  return undefined
}

/**
 * Checks that redacted messages and their edits are gone, and that nothing else is. M10.
 * @param stored where each key is in the log
 */
export function checkRedacted(
  sent: ReadonlyMap<string, Sent>,
  stored: ReadonlyMap<string, readonly Place[]>,
  log: ReadonlyMap<string, LoggedRoom>,
): string[] {
  const wrong: string[] = []
  const asked = new Set<string>()
  for (const [key, { who, rooms, takesBack, answer, isExcused }] of sent) {
    const [name] = rooms as [string]
    if (takesBack === undefined) continue
    for (const seq of [takesBack, ...editsOf(sent, stored, name, takesBack)]) {
      asked.add(`${name}#${seq}`)
      const { emptied, first = 0 } = log.get(name) ?? {}
      const isGone = emptied === undefined || emptied.has(seq) || seq < first
      if (answer && !isExcused && !isGone) wrong.push(`${who} redacted ${name}#${seq} with ${key}, but it can be read`)
    }
  }
  for (const [name, { emptied = [] }] of log) {
    for (const seq of emptied)
      if (!asked.has(`${name}#${seq}`)) wrong.push(`${name}#${seq} is gone, but no client redacted it`)
  }
  return wrong
}

function editsOf(
  sent: ReadonlyMap<string, Sent>,
  stored: ReadonlyMap<string, readonly Place[]>,
  name: string,
  target: number,
): number[] {
  const seqs: number[] = []
  for (const [key, { rooms, revises }] of sent) {
    if (revises === target && rooms[0] === name) seqs.push(...(stored.get(key) ?? []).map(({ seq }) => seq))
  }
  return seqs
}
