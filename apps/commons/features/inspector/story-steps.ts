/** The story of a connection as steps that a person reads: one sentence each, from its beginning to its end. */
import type { Chapter, Story } from './inspection.ts'

export interface Step {
  readonly at: number
  readonly sentence: string
  /** Something that may be why an event was not seen. */
  readonly isTrouble: boolean
}

/** Of codes that arrive without a reason, or with one that says less. */
const MEANINGS: Readonly<Record<string, string>> = {
  1000: 'it said goodbye',
  1001: 'its page was left, or the server went',
  1005: 'it gave no code',
  1006: 'it was cut off without a goodbye',
  1008: 'it broke a rule',
  1009: 'what it sent was too big',
  1012: 'the server shut down',
  1013: 'the server was too busy',
  4001: 'it could not say who it was',
  4002: 'its token had expired',
  4003: 'it was not allowed any longer',
  4005: 'a newer connection of the same session took its place',
  4008: 'it read too slowly',
  4009: 'the server disconnected it',
}

export function stepsOf({ connection, chapters, ending }: Story): Step[] {
  const steps = [
    { at: connection.openedAt, sentence: `Connected to ${connection.namespace}`, isTrouble: false },
    ...chapters.map(step),
  ]
  if (ending) steps.push({ at: ending.at, sentence: `Closed with ${closing(ending.reason)}`, isTrouble: false })
  return steps
}

/** @param reason a code, and perhaps words: "4009 disconnected by Root" */
export function closing(reason: string): string {
  const [code = ''] = reason.split(' ', 1)
  const words = reason.slice(code.length + 1)
  const told = [MEANINGS[code], words === '' ? undefined : `“${words}”`].filter((each) => each !== undefined)
  return told.length === 0 ? code : `${code}: ${told.join(', ')}`
}

function step(chapter: Chapter): Step {
  const { at, type, roomId, seq, reason } = chapter
  const plain = (sentence: string): Step => ({ at, sentence, isTrouble: false })
  const trouble = (sentence: string): Step => ({ at, sentence, isTrouble: true })
  switch (type) {
    case 'room:joined':
      return joined(chapter)
    case 'room:left':
      return plain(`Left ${roomId} (${reason}), ${seq === 0 ? 'before its first event' : `told up to event ${seq}`}`)
    case 'behind':
      return trouble('Fell behind: it reads slowly, and its events wait in the log')
    case 'caught-up':
      return plain(`Caught up with ${chapter.events} ${chapter.events === 1 ? 'event' : 'events'} from the log`)
    case 'catch-up:failed':
      return trouble('Could not be told what it had missed')
    case 'rate-limited':
      return trouble(`Asked for too much (limit per ${chapter.scope}), and had to wait`)
    case 'refused':
      return trouble(`Was refused ${chapter.event}: ${chapter.code}`)
    default:
      return plain(type)
  }
}

/** It is told what comes after `after`; `seq` was the room's latest. */
function joined({ at, roomId, seq, after, recovered, reason }: Chapter): Step {
  const from = `told from event ${Number(after) + 1} on`
  if (recovered === false) {
    const sentence = `Came back to ${roomId} with a position that could not be served (${reason}), ${from}`
    return { at, sentence, isTrouble: true }
  }
  if (recovered === true) {
    const missed = Number(seq) - Number(after)
    return { at, sentence: `Came back to ${roomId}, ${missed === 0 ? 'with nothing missed' : from}`, isTrouble: false }
  }
  return { at, sentence: `Joined ${roomId}, ${from}`, isTrouble: false }
}
