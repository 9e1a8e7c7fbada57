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
  1000: 'closed normally',
  1001: 'page closed or server stopped',
  1005: 'no code given',
  1006: 'connection lost',
  1008: 'protocol violation',
  1009: 'message too large',
  1012: 'server restarting',
  1013: 'server too busy',
  4001: 'authentication failed',
  4002: 'token expired',
  4003: 'access denied',
  4005: 'replaced by a newer connection of the same session',
  4008: 'client too slow',
  4009: 'disconnected by the server',
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
  const known = [MEANINGS[code], words === '' ? undefined : `“${words}”`].filter((each) => each !== undefined)
  return known.length === 0 ? code : `${code}: ${known.join(', ')}`
}

function step(chapter: Chapter): Step {
  const { at, type, roomId, seq, reason } = chapter
  const plain = (sentence: string): Step => ({ at, sentence, isTrouble: false })
  const trouble = (sentence: string): Step => ({ at, sentence, isTrouble: true })
  switch (type) {
    case 'room:joined':
      return joined(chapter)
    case 'room:left':
      return plain(
        `Left ${roomId} (${reason}), ${seq === 0 ? 'before its first event' : `received up to event ${seq}`}`,
      )
    case 'behind':
      return trouble('Fell behind: the client reads slowly, so events wait in the log')
    case 'caught-up':
      return plain(`Caught up with ${chapter.events} ${chapter.events === 1 ? 'event' : 'events'} from the log`)
    case 'catch-up:failed':
      return trouble('Couldn’t be sent what it missed')
    case 'rate-limited':
      return trouble(`Hit a rate limit (per ${chapter.scope})`)
    case 'refused':
      return trouble(`${chapter.event} was rejected: ${chapter.code}`)
    default:
      return plain(type)
  }
}

/** It receives the events after `after`; `seq` was the room's latest. */
function joined({ at, roomId, seq, after, recovered, reason }: Chapter): Step {
  const from = `receiving from event ${Number(after) + 1}`
  if (recovered === false) {
    const sentence = `Rejoined ${roomId}, but missed events couldn’t be recovered (${reason}), ${from}`
    return { at, sentence, isTrouble: true }
  }
  if (recovered === true) {
    const missed = Number(seq) - Number(after)
    return { at, sentence: `Rejoined ${roomId}, ${missed === 0 ? 'nothing missed' : from}`, isTrouble: false }
  }
  return { at, sentence: `Joined ${roomId}, ${from}`, isTrouble: false }
}
