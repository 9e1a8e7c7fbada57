/**
 * What clients sent and received, as facts. Simulated clients record them, and so do clients that use real sockets: the same
 * guarantees hold for both, and the same code checks them (check.ts).
 */

/** What is special about a message. */
export interface Purpose {
  /** The other room of a message that is stored in both rooms, or in none. */
  readonly also?: string | undefined
  /** It edits this message of the room. */
  readonly revises?: number | undefined
  /** It redacts this message of the room: neither the message nor its edits may be left in the log. */
  readonly takesBack?: number | undefined
}

/** One thing that happened to one client in one room. */
export type ClientFact =
  /** It asks for something to be stored, exactly once. */
  | ({ readonly what: 'says'; readonly room: string; readonly key: string } & Purpose)
  /** A private message was handed to the application. In one life of a client each arrives at most once. */
  | { readonly what: 'receives privately'; readonly room: string; readonly life: number; readonly key: string }
  /** The server acknowledged it as stored; with `seq` when the acknowledgement has one. */
  | { readonly what: 'answered'; readonly room: string; readonly key: string; readonly seq: number | undefined }
  /** The server refused it for good. */
  | { readonly what: 'refused'; readonly room: string; readonly key: string; readonly code: string }
  /** It should receive every event after this position. */
  | { readonly what: 'enters'; readonly room: string; readonly epoch: string | undefined; readonly seq: number }
  /** It reconnected, and the server answered `recovered: true` for this position. */
  | { readonly what: 'resumes'; readonly room: string; readonly epoch: string | undefined; readonly seq: number }
  /** The server reported a gap: events continue with `from`. */
  | {
      readonly what: 'gap'
      readonly room: string
      readonly epoch: string | undefined
      readonly reason: string
      readonly from: number
      readonly to: number
    }
  /** An event was handed to the application. */
  | {
      readonly what: 'receives'
      readonly room: string
      readonly epoch: string | undefined
      readonly seq: number
      /** Commit number, from clients whose wire form has it. */
      readonly n?: number | undefined
      readonly key: string | undefined
      /** Undefined for an event that was redacted before it was sent. */
      readonly content: string | undefined
    }
  | { readonly what: 'leaves'; readonly room: string }
  /** It was away: events of the room may be replayed from now on, up to `upTo` if that is known. */
  | { readonly what: 'catches up'; readonly room: string; readonly upTo: number | undefined }

/** What happened to the server or the network, rather than to one client. */
export type WorldFact =
  /** Only a line of the story. */
  | { readonly what: 'note'; readonly text: string }
  /** The log lost its end, as a power failure does to one that is not synced: what is left of each room. */
  | {
      readonly what: 'log cut'
      readonly heads: ReadonlyMap<string, number>
      /** Keys of what is gone, where acknowledgements of it may still be on their way. */
      readonly lost?: ReadonlyMap<string, number>
    }

export type Fact = ClientFact | WorldFact

export interface RecordedFact {
  readonly atMs: number
  /** The client, or what part of the world. */
  readonly who: string
  readonly fact: Fact
}

/** One line of the story. */
export function formatFact({ atMs, who, fact }: RecordedFact): string {
  return `${(atMs / 1000).toFixed(3).padStart(9)}  ${who.padEnd(8)} ${describe(fact)}`
}

function describe(fact: Fact): string {
  switch (fact.what) {
    case 'says':
      return `says ${fact.key} in ${fact.room}${purpose(fact)}`
    case 'receives privately':
      return `receives ${fact.key} privately`
    case 'answered':
      return `gets the ack of ${fact.key}${fact.seq === undefined ? '' : ` as ${fact.room}#${fact.seq}`}`
    case 'refused':
      return `is refused ${fact.key}: ${fact.code}`
    case 'enters':
      return `enters ${fact.room} behind #${fact.seq}${inEpoch(fact.epoch)}`
    case 'resumes':
      return `resumes ${fact.room} behind #${fact.seq}${inEpoch(fact.epoch)}, recovered`
    case 'gap':
      return `is sent a gap in ${fact.room}: ${fact.reason}, from #${fact.from} to #${fact.to}${inEpoch(fact.epoch)}`
    case 'receives':
      return `receives ${fact.room}#${fact.seq}${fact.n === undefined ? '' : ` (n ${fact.n})`} ${fact.content === undefined ? '(redacted) ' : ''}${fact.key ?? ''}`
    case 'leaves':
      return `leaves ${fact.room}`
    case 'catches up':
      return fact.upTo === undefined ? `is cut off from ${fact.room}` : `is in ${fact.room} again`
    case 'note':
      return fact.text
    case 'log cut':
      return `the log lost its end: ${[...fact.heads].map(([room, seq]) => `${room} ends at #${seq}`).join(', ')}`
    default:
      return fact satisfies never
  }
}

function purpose({ revises, takesBack }: Purpose): string {
  if (revises !== undefined) return `, which edits #${revises}`
  return takesBack === undefined ? '' : `, which redacts #${takesBack}`
}

function inEpoch(epoch: string | undefined): string {
  return epoch === undefined ? '' : ` of ${epoch}`
}

/** Fields that the log or a wire form adds to an event. */
const ADDED: ReadonlySet<string> = new Set(['type', 'event', 'id', 'roomId', 'seq', 'n', 'ts', 'key', 'traceparent'])

const ENDS: ReadonlySet<unknown> = new Set(['complete', 'cancelled', 'interrupted'])
/** Fields of a message in pieces that differ with the moment at which it is read. */
const OF_TEXTS: ReadonlySet<string> = new Set(['content', 'streaming', 'state', 'reason', 'extra'])

/** A message that is written in pieces, or was. */
export function isText(data: object): boolean {
  const { streaming, state, content } = data as Record<string, unknown>
  return typeof content === 'string' && (streaming === true || ENDS.has(state))
}

/**
 * The content of an event, without what the log and the wire form add: the same text for every kind of client.
 * @param data the one argument of an event, as any kind of client gets it
 */
export function contentOf(data: unknown): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return JSON.stringify(data) ?? ''
  const isGrowing = isText(data)
  const own = Object.entries(data).filter(([name]) => !ADDED.has(name) && !(isGrowing && OF_TEXTS.has(name)))
  return JSON.stringify(Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1))))
}
