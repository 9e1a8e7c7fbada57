/**
 * What a contract makes of the API: names of events, what they carry, what is answered (D5). With a contract nothing else
 * is accepted but the events of rooms and presence, which every namespace has; chat events only where the type says that the
 * namespace has them. Without a contract every name is, and what it carries is `unknown`.
 */
import type {
  Contract,
  DeliveredArgs,
  EventDefinition,
  GivenAck,
  ReceivedAck,
  ReceivedArgs,
  SentArgs,
} from '@roomful/protocol'
import type { EventMeta } from './frames.ts'
import type { DownData, DownName, UpAck, UpData, UpName } from './vocabulary.ts'

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

/** Names of events that may be sent. */
export type UpEvent<C extends AnyContract> = C extends Contract
  ? (keyof C['client'] & string) | VocabularyUp<C>
  : UpName | AnyName
/** Names of events that may arrive. */
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

/** What the answer to an event is. */
export type Ack<C extends AnyContract, Name extends string> = Name extends keyof Sent<C>
  ? Sent<C>[Name] extends infer Event extends EventDefinition
    ? ReceivedAck<Event>
    : never
  : Name extends UpName
    ? UpAck<Name>
    : unknown

/** The one argument of a request: may be left out where the event has none, or nothing of it is required. */
export type UpDataOf<C extends AnyContract, Name extends string> =
  UpArgs<C, Name> extends readonly [] ? undefined : UpArgs<C, Name>[0]

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

/** Called for an event: with its data and what else is known of it, or with several arguments and that last. */
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

/** Names of events that the server asks. */
export type AskedEvent<C extends AnyContract> = C extends Contract
  ? {
      [Name in keyof C['server'] & string]: C['server'][Name] extends { ack: object } ? Name : never
    }[keyof C['server'] & string]
  : AnyName

/** Called with what the server asks; what it returns is the answer. */
export type AskedHandler<C extends AnyContract, Name extends string> = Name extends keyof Received<C>
  ? Received<C>[Name] extends infer Event extends EventDefinition
    ? (...args: ReceivedArgs<Event>) => GivenAck<Event> | Promise<GivenAck<Event>>
    : never
  : (data: unknown, ...more: unknown[]) => unknown
