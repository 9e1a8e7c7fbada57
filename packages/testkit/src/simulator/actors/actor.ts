/** A simulated client, with or without the SDK: what a plan makes it do, and what must hold for it in the end. */
import type { VirtualClock } from '../../clock.ts'
import type { History } from '../../history/history.ts'
import type { SeededRandom } from '../../random.ts'
import type { Companion, CompanionHost } from '../facts/companion.ts'
import type { RoomFactsTruth } from '../facts/stored-facts.ts'
import type { SimulatedNetwork } from '../network.ts'

/** What every simulated client gets. */
export interface ActorOptions {
  readonly name: string
  /** Several clients may be one user. */
  readonly user: string
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly history: Pick<History, 'record' | 'note' | 'violate'>
  readonly network: SimulatedNetwork
  /** A token of its user, with the user's current role. */
  readonly token: () => string
  readonly vocabulary: Vocabulary
  /** Messages of its user. */
  readonly own: OwnMessages
  /** Number of the latest stored event of a room: later events are new to every client. */
  readonly headOf: (roomId: string) => number
  /** Its node may have missed something, and so have its clients behind. */
  readonly mayBeBehind: () => boolean
  /** Its messages are at least this long. */
  readonly contentBytes: number
  /** What it does beside messages. */
  readonly companion?: ((host: CompanionHost) => Companion) | undefined
  /** What the log has taken of a room beside its events. */
  readonly truth: (roomId: string) => RoomFactsTruth
  readonly replayMax: number
  /** How much it asks for of a room; everything without it. */
  readonly flow?: Flow | undefined
}

export type Flow = 'latest' | { readonly everyMs: number }

export interface Request {
  readonly event: string
  readonly data: unknown
}

/** The requests and events of an application: what clients send to have something stored, and what they receive. */
export interface Vocabulary {
  readonly namespace: string
  /** Names of the durable events that clients receive. */
  readonly events: readonly string[]
  readonly say: (roomId: string, text: string) => Request
  /** Edits a message of its own; no edits without it. */
  readonly revise?: ((roomId: string, seq: number, text: string) => Request) | undefined
  /** Redacts a message of its own with all its edits; no redactions without it. */
  readonly takeBack?: ((roomId: string, seq: number) => Request) | undefined
  /** Sends a message to one user, stored in the inboxes of both; no private messages without it. */
  readonly sendPrivate?: ((to: string, text: string) => Request) | undefined
  /** The event by which a private message arrives. */
  readonly privateEvent?: string | undefined
  /** Requests that store nothing, sent in between; none without it. */
  readonly chatter?: ((roomId: string) => Request[]) | undefined
}

export interface Actor {
  readonly companion: Companion | undefined
  readonly name: string
  readonly user: string
  readonly network: SimulatedNetwork
  readonly isPresent: boolean
  say(roomId: string): void
  /** Edits one of its messages. */
  revise(roomId: string): void
  /** Redacts one of its messages. */
  takeBack(roomId: string): void
  /** Sends a private message to another user. */
  sendPrivate(to: string): void
  /** Keys of the private messages that it received; undefined when it does not record them, or was away at some time. */
  readonly privateKeys: ReadonlySet<string> | undefined
  chatter(roomId: string): void
  join(roomId: string): void
  leave(roomId: string): void
  /** Closes for good, or until it comes back as a new client. */
  goAway(): void
  comeBack(): void
  /** Rooms that it is in, as far as it knows. */
  rooms(): string[]
  /** What it still waits for; nothing once it is at rest. */
  waitsFor(): string | undefined
  /** Users in a room as it sees them. */
  membersOf(roomId: string): string[] | undefined
}

/** Messages of a room that are remembered; a later one replaces the oldest. */
const KEPT = 10

/** A user's messages, as the acknowledgements show them: those that the user may edit or redact. */
export class OwnMessages {
  private readonly rooms = new Map<string, number[]>()
  private readonly random: SeededRandom

  constructor(random: SeededRandom) {
    this.random = random
  }

  add(roomId: string, seq: number): void {
    const known = this.rooms.get(roomId) ?? []
    this.rooms.set(roomId, [...known, seq].slice(-KEPT))
  }

  /** One of them, most often a late one, so that edits and redactions of the same message meet. */
  pick(roomId: string): number | undefined {
    const known = this.rooms.get(roomId)
    return known?.[Math.max(this.random.integer(known.length), this.random.integer(known.length))]
  }
}
