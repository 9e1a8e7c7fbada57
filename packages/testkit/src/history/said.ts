/** What somebody asked to have stored, and what became of it. */
import type { Purpose } from './fact.ts'

/** Where something is in the log. */
export interface Place {
  readonly room: string
  readonly seq: number
}

export interface Said extends Purpose {
  readonly who: string
  /** All of them, or none, hold it. */
  readonly rooms: readonly string[]
  answer: { seq: number | undefined } | undefined
  refusal: string | undefined
  /** The log lost it, after it had been acknowledged: nothing is known of it any more. */
  isExcused: boolean
}

/** @returns what is wrong with what became of it, if anything is */
export function checkSaid(key: string, said: Said, places: readonly Place[] = []): string | undefined {
  const { who, rooms, answer, refusal, isExcused } = said
  const [room] = rooms as [string]
  const stray = places.find((place) => !rooms.includes(place.room))
  if (stray) return `${key} was said in ${room} and is stored in ${stray.room}`
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
