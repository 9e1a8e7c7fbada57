/**
 * The types that a contract gives to the API: names of events, their arguments, their acknowledgements (D5). With a contract
 * only its events are accepted, and those of rooms and presence, which every namespace has; chat events only where the type
 * says that the namespace has them. Without a contract every name is accepted, with `unknown` arguments. The types of the
 * room vocabulary (PROTOCOL.md 8) come from the protocol's schemas; importing only types adds no bytes.
 */
import type {
  Contract,
  DeliveredArgs,
  EventDefinition,
  GivenAck,
  ReceivedAck,
  ReceivedArgs,
  ReceivedPresence,
  SentArgs,
  SentPresence,
} from '@roomful/protocol'
import type { DownData, DownName, UpAck, UpData, UpName } from '@roomful/protocol/messages'
import type { EventMeta } from './events.ts'

export type { DownData, UpAck }

/** A contract, or `undefined` for a namespace that takes any event. */
export type AnyContract = Contract | undefined

/**
 * A contract of a namespace that has the chat events too: where the server calls `roomful.chat(namespace)`, and on the
 * standard namespaces.
 *
 * ```ts
 * const client = connect<WithChat<typeof contract>>('https://example.org')
 * ```
 */
export type WithChat<C extends Contract> = C & { readonly [chat]?: true }
declare const chat: unique symbol

/** Whether a namespace with this contract has the chat events. */
export type HasChat<C extends AnyContract> = C extends Contract ? (typeof chat extends keyof C ? true : false) : true

type ChatUp = Extract<UpName, `${'message' | 'reaction' | 'typing'}:${string}`>
type ChatDown = Extract<
  DownName,
  `${'message' | 'reaction'}:${string}` | `user:${'typing' | 'stop-typing'}` | 'notification'
>
type VocabularyUp<C extends AnyContract> = HasChat<C> extends true ? UpName : Exclude<UpName, ChatUp>
type VocabularyDown<C extends AnyContract> = HasChat<C> extends true ? DownName : Exclude<DownName, ChatDown>

type Sent<C extends AnyContract> = C extends Contract ? C['client'] : unknown
type Received<C extends AnyContract> = C extends Contract ? C['server'] : unknown
type AnyName = string & {}

/** Names of events that a client may send. */
export type UpEvent<C extends AnyContract> = C extends Contract
  ? (keyof C['client'] & string) | VocabularyUp<C>
  : UpName | AnyName
/** Names of events that a client may receive. */
export type DownEvent<C extends AnyContract> = C extends Contract
  ? (keyof C['server'] & string) | VocabularyDown<C>
  : DownName | AnyName

/** The arguments of an event that is sent. */
export type UpArgs<C extends AnyContract, Name extends string> = Name extends keyof Sent<C>
  ? Sent<C>[Name] extends infer Event extends EventDefinition
    ? SentArgs<Event>
    : never
  : Name extends UpName
    ? [data: UpData<Name>]
    : readonly unknown[]

/** What the acknowledgement of an event carries. */
export type Ack<C extends AnyContract, Name extends string> = Name extends keyof Sent<C>
  ? Sent<C>[Name] extends infer Event extends EventDefinition
    ? ReceivedAck<Event>
    : never
  : Name extends UpName
    ? UpAck<Name>
    : unknown

/** The one argument of a request; `undefined` for an event without arguments. */
export type UpDataOf<C extends AnyContract, Name extends string> =
  UpArgs<C, Name> extends readonly [] ? undefined : UpArgs<C, Name>[0]

/** The data may be left out where the event has none, or none of its fields is required. */
export type RequestArgs<C extends AnyContract, Name extends string, Options> =
  UpDataOf<C, Name> extends infer Data
    ? undefined extends Data
      ? [data?: Data, options?: Options]
      : Record<never, never> extends Data
        ? [data?: Data, options?: Options]
        : [data: Data, options?: Options]
    : never

/** The arguments of an event that arrives; the data of a durable one carries the log's fields too. */
type DownArgs<C extends AnyContract, Name extends string> = Name extends keyof Received<C>
  ? Received<C>[Name] extends infer Event extends EventDefinition
    ? DeliveredArgs<Event>
    : never
  : Name extends DownName
    ? [data: DownData<Name>]
    : [data: unknown, ...more: unknown[]]

/** A listener for an event: called with its data and its `meta`, or with its several arguments and `meta` last. */
export type DownListener<C extends AnyContract, Name extends string> =
  DownArgs<C, Name> extends infer Args extends readonly unknown[]
    ? Args extends readonly []
      ? (data: undefined, meta: EventMeta) => void
      : Args extends readonly [infer Data]
        ? (data: Data, meta: EventMeta) => void
        : number extends Args['length']
          ? (data: unknown, meta: EventMeta) => void
          : (...args: [...Args, meta: EventMeta]) => void
    : never

/** Names of requests that the server may send. */
export type ServerRequest<C extends AnyContract> = C extends Contract
  ? {
      [Name in keyof C['server'] & string]: C['server'][Name] extends { ack: object } ? Name : never
    }[keyof C['server'] & string]
  : AnyName

/** Called with the arguments of a request of the server; what it returns is the answer. */
export type ServerRequestHandler<C extends AnyContract, Name extends string> = Name extends keyof Received<C>
  ? Received<C>[Name] extends infer Event extends EventDefinition
    ? (...args: ReceivedArgs<Event>) => GivenAck<Event> | Promise<GivenAck<Event>>
    : never
  : (data: unknown, ...more: unknown[]) => unknown

/** What a client says of itself in a room. */
export type PresenceState = Readonly<Record<string, unknown>>

/** What members say of themselves, as others get it. */
export type PresenceOf<C extends AnyContract> = ReceivedPresence<C>

/** What a client of this contract may say of itself. */
export type PresenceGivenBy<C extends AnyContract> = SentPresence<C>

/** A user in a room, with what they say of themselves: of several connections of a user the latest field counts. */
export interface MemberOf<State = PresenceState> {
  readonly userId: string
  readonly name: string
  readonly status: 'online' | 'reconnecting' | 'left'
  readonly state?: State
}

/** A user in a room. */
export type Member = MemberOf

/** The answer to a join. */
export type JoinAck = UpAck<'room:join'>

/** A user who is writing. */
export interface Typist {
  readonly userId: string
  readonly name: string
}

/** A room could not be resumed without a gap: the missing events lie before `from`. G4. */
export interface Reset {
  readonly roomId: string
  /** Another log (`epoch`), a trimmed one, or a gap that is too long to replay. */
  readonly reason: 'epoch' | 'trimmed' | 'too_far' | (string & {})
  /** Number of the first event that follows. */
  readonly from: number
  /** Number of the newest event. */
  readonly to: number
  /** The room's log from now on, when it was replaced while the client was connected. */
  readonly epoch?: string
}
