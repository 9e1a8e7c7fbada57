/**
 * What a simulated client does beside messages, and what must hold of it: the state of rooms, presence data, read positions,
 * messages in pieces. It comes with any kind of client, which connects, joins and repeats for it.
 */
import type { CoreSettings } from '@roomful/server/testing'
import type { VirtualClock } from '../../clock.ts'
import type { LoggedRoom } from '../../history/sent.ts'
import type { SeededRandom } from '../../random.ts'
import type { Actor, ActorOptions, Flow } from '../actors/actor.ts'
import type { Machine } from '../machine.ts'
import type { RoomFactsTruth } from './stored-facts.ts'

/** What was received, or an answer. */
// biome-ignore lint/suspicious/noExplicitAny: messages have every shape
export type Message = Record<string, any>

export type OnAnswer = (data: Message | undefined, error: Message | undefined) => void

/** The client that it comes with. */
export interface CompanionHost {
  readonly name: string
  readonly user: string
  readonly clock: VirtualClock
  readonly random: SeededRandom
  /** What the log has taken of a room so far. */
  truth(roomId: string): RoomFactsTruth
  note(text: string): void
  violate(problem: string): void
  isIn(roomId: string): boolean
  /** Position in a room, 0 where it has none. */
  positionIn(roomId: string): number
  /** With several nodes: something may have been lost on the way, and is mended. */
  mayBeBehind(): boolean
  /** Is answered once: it is repeated under one key, also on later connections. */
  request(event: string, data: Message, onAnswer: OnAnswer): void
  /** On this connection or not at all: no answer comes when that is lost. */
  try(event: string, data: Message, onAnswer?: OnAnswer): void
  /** Says something of itself in a room. */
  setPresence(roomId: string, state: Message): void
  /** How much it asks for of a room; everything without it. */
  readonly flow: Flow | undefined
  /** Most events that are sent to a client that comes back. */
  readonly replayMax: number
  /** What members say of themselves, of a client that keeps their list itself. */
  readonly membersIn?: (roomId: string) => readonly Message[]
}

/** What a companion gets of the options of whatever client it comes with. */
export function hostOf({ history, ...options }: ActorOptions): HostOfOptions {
  const { name, user, clock, random, truth, mayBeBehind, flow, replayMax } = options
  return {
    ...{ name, user, clock, random, truth, mayBeBehind, flow, replayMax },
    note: (text) => history.note(name, text),
    violate: (problem) => history.violate(problem),
  }
}

type HostOfOptions = Pick<
  CompanionHost,
  'name' | 'user' | 'clock' | 'random' | 'truth' | 'mayBeBehind' | 'flow' | 'replayMax' | 'note' | 'violate'
>

export interface Companion {
  /** Further fields of a join. */
  joinFields(roomId: string): Message
  /** @param answer to the join, or what came in its place */
  joined(roomId: string, answer: Message): void
  left(roomId: string): void
  /** @param message with its `type`, `roomId`, and for a durable event `seq` */
  received(message: Message): void
  /** One of the application's {@link Extras.deeds}. */
  deed(what: string, roomId: string, pick: number): void
  /** Everything is at rest: it may ask the server what is compared then. */
  ask(): void
  /** What is wrong in a room that it is in, at rest. */
  problems(roomId: string): Iterable<string>
  /** The log lost its end: what was acknowledged may be gone. */
  logCut(): void
}

/** What an application has beside messages. */
export interface Extras {
  /** How often a client does each, next to `say`, which has 30. One that begins with `all:` is done by all clients at once. */
  readonly deeds: Readonly<Record<string, number>>
  readonly companion: (host: CompanionHost) => Companion
  /** Of the server, where they differ from those of every plan. */
  readonly settings?: Partial<CoreSettings>
  /** Some of the clients without the SDK ask for the latest, or for an interval. */
  readonly hasFlows: boolean
  /** What is wrong at the end, with all clients at rest. */
  readonly check: (outcome: ExtrasOutcome) => Promise<readonly string[]>
}

export interface ExtrasOutcome {
  readonly namespace: string
  readonly rooms: readonly string[]
  readonly actors: readonly Actor[]
  readonly machines: readonly Machine[]
  readonly log: ReadonlyMap<string, LoggedRoom>
  truth(roomId: string): RoomFactsTruth
}
