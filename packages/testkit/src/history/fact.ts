/**
 * What clients did and heard, as facts. A simulated client writes them, and so does one that talks to a real server through
 * real sockets: what has to hold is the same, and is checked by the same code (check.ts).
 */

/** What is special about something that is said. */
export interface Purpose {
  /** The other room of what is stored in both, or in none. */
  readonly also?: string | undefined
  /** It is a new wording of this message of the room. */
  readonly revises?: number | undefined
  /** It takes this message of the room back: nothing of it, nor of its wordings, may be left in the log. */
  readonly takesBack?: number | undefined
}

/** One thing that happened to one client in one room. */
export type ClientFact =
  /** It asks for something to be stored, exactly once. */
  | ({ readonly what: 'says'; readonly room: string; readonly key: string } & Purpose)
  /** What was said to it alone was handed to the application, in one life of which none hears the same twice. */
  | { readonly what: 'is told'; readonly room: string; readonly life: number; readonly key: string }
  /** The server says that it is stored; `seq` when the answer tells it. */
  | { readonly what: 'answered'; readonly room: string; readonly key: string; readonly seq: number | undefined }
  /** The server says that it never will be. */
  | { readonly what: 'refused'; readonly room: string; readonly key: string; readonly code: string }
  /** From behind this position on it is to hear everything. */
  | { readonly what: 'enters'; readonly room: string; readonly epoch: string | undefined; readonly seq: number }
  /** It came back, and was told `recovered: true` after this position. */
  | { readonly what: 'resumes'; readonly room: string; readonly epoch: string | undefined; readonly seq: number }
  /** It was told that something is missing, and that events go on with `from`. */
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
      readonly what: 'hears'
      readonly room: string
      readonly epoch: string | undefined
      readonly seq: number
      /** Commit number, from clients that are told it. */
      readonly n?: number | undefined
      readonly key: string | undefined
      /** Nothing for one that was taken back before it was told. */
      readonly content: string | undefined
    }
  | { readonly what: 'leaves'; readonly room: string }
  /** What it hears of the room from now on may be old, up to `upTo` if that is known: it was away. */
  | { readonly what: 'catches up'; readonly room: string; readonly upTo: number | undefined }

/** What happened to the world, rather than to one client. */
export type WorldFact =
  /** For the story alone. */
  | { readonly what: 'note'; readonly text: string }
  /** The log lost its end, as a power failure does to one that is not synced: what is left of each room. */
  | { readonly what: 'log cut'; readonly heads: ReadonlyMap<string, number> }

export type Fact = ClientFact | WorldFact

export interface ToldFact {
  readonly atMs: number
  /** The client, or what part of the world. */
  readonly who: string
  readonly fact: Fact
}

/** One line of the story. */
export function tell({ atMs, who, fact }: ToldFact): string {
  return `${(atMs / 1000).toFixed(3).padStart(9)}  ${who.padEnd(8)} ${describe(fact)}`
}

function describe(fact: Fact): string {
  switch (fact.what) {
    case 'says':
      return `says ${fact.key} in ${fact.room}${purpose(fact)}`
    case 'is told':
      return `is told ${fact.key}`
    case 'answered':
      return `is told that ${fact.key} is stored${fact.seq === undefined ? '' : ` as ${fact.room}#${fact.seq}`}`
    case 'refused':
      return `is refused ${fact.key}: ${fact.code}`
    case 'enters':
      return `enters ${fact.room} behind #${fact.seq}${inEpoch(fact.epoch)}`
    case 'resumes':
      return `resumes ${fact.room} behind #${fact.seq}${inEpoch(fact.epoch)}, recovered`
    case 'gap':
      return `is told of a gap in ${fact.room}: ${fact.reason}, from #${fact.from} to #${fact.to}${inEpoch(fact.epoch)}`
    case 'hears':
      return `hears ${fact.room}#${fact.seq}${fact.n === undefined ? '' : ` (n ${fact.n})`} ${fact.content === undefined ? '(taken back) ' : ''}${fact.key ?? ''}`
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
  if (revises !== undefined) return `, which words #${revises} anew`
  return takesBack === undefined ? '' : `, which takes #${takesBack} back`
}

function inEpoch(epoch: string | undefined): string {
  return epoch === undefined ? '' : ` of ${epoch}`
}
