/** A simulated client, whichever way it speaks: what the world makes it do, and what must be true of it in the end. */
import type { VirtualClock } from '../../clock.ts'
import type { History } from '../../history/history.ts'
import type { SeededRandom } from '../../random.ts'
import type { SimulatedNetwork } from '../network.ts'
import type { OwnMessages } from './own-messages.ts'

/** What every client is given. */
export interface ActorOptions {
  readonly name: string
  /** Several clients may be one user. */
  readonly user: string
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly history: History
  readonly network: SimulatedNetwork
  /** A token of its user, with what role it has now. */
  readonly token: () => string
  readonly speech: Speech
  /** Messages of its user. */
  readonly own: OwnMessages
  /** Number of the latest event that is stored in a room: nothing later can be old to anyone. */
  readonly headOf: (roomId: string) => number
  /** What it says is at least that long. */
  readonly contentBytes: number
}

export interface Spoken {
  readonly event: string
  readonly data: unknown
}

/** How clients of an application talk: what they say to have something stored, and what they hear of it. */
export interface Speech {
  readonly namespace: string
  /** Names of the durable events that are heard. */
  readonly hears: readonly string[]
  readonly say: (roomId: string, text: string) => Spoken
  /** A new wording of a message of its own; none without it. */
  readonly revise?: ((roomId: string, seq: number, text: string) => Spoken) | undefined
  /** A message of its own is taken back with all its wordings; none without it. */
  readonly takeBack?: ((roomId: string, seq: number) => Spoken) | undefined
  /** What is said to one user alone, and stored in the inboxes of both; none without it. */
  readonly whisper?: ((to: string, text: string) => Spoken) | undefined
  /** Under which name it is heard. */
  readonly hearsWhispers?: string | undefined
  /** What is not stored, said in between; none without it. */
  readonly chatter?: ((roomId: string) => Spoken[]) | undefined
}

export interface Actor {
  readonly name: string
  readonly user: string
  readonly network: SimulatedNetwork
  readonly isPresent: boolean
  say(roomId: string): void
  /** Words one of its messages anew. */
  revise(roomId: string): void
  /** Takes one of its messages back. */
  takeBack(roomId: string): void
  /** Says something to another user. */
  whisper(to: string): void
  /** Keys of what was said to it alone; nothing where it does not write them down, or was not there all along. */
  readonly whispers: ReadonlySet<string> | undefined
  chatter(roomId: string): void
  join(roomId: string): void
  leave(roomId: string): void
  /** Closes for good, or until it comes back as somebody new. */
  goAway(): void
  comeBack(): void
  /** Rooms that it is in, by what it was told. */
  rooms(): string[]
  /** What it still waits for; nothing once it is at rest. */
  waitsFor(): string | undefined
  /** Users in a room as it sees them. */
  membersOf(roomId: string): string[] | undefined
}
