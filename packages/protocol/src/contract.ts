/**
 * The types of a contract: the events of a namespace, and so what each side may send and receives (D5). Types only, built
 * on Standard Schema, so that the server and the SDK infer the same from one declaration without importing each other.
 *
 * A schema has an input type and an output type: the sender of an event is typed by the input, its receiver by the output.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** One event of a contract. `data` for one argument, `args` for several, neither for none. */
export interface EventDefinition {
  /** Schema of its one argument, from any library that implements Standard Schema. */
  readonly data?: StandardSchemaV1
  /** Schemas of its arguments. */
  readonly args?: readonly StandardSchemaV1[]
  /** What the handler returns. */
  readonly ack?: StandardSchemaV1
  /** Server events only: logged, numbered, replayed. */
  readonly durable?: boolean
  /** Server events only: may be dropped for a slow client; with `latestBy` the latest one for each value of that field is kept. */
  readonly volatile?: boolean | { readonly latestBy: string }
}

/**
 * The events of a namespace, for `namespace.contract(…)` on the server and `connect<typeof contract>(…)` in clients.
 * @example
 * const contract = {
 *   client: { 'save-task': { data: z.object({ title: z.string() }), ack: z.object({ taskId: z.string() }) } },
 *   server: { 'task-saved': { data: z.object({ taskId: z.string(), title: z.string() }), durable: true } },
 * } satisfies Contract
 */
export interface Contract {
  /** Events that clients send. */
  readonly client: Readonly<Record<string, EventDefinition>>
  /** Events that the server sends. */
  readonly server: Readonly<Record<string, EventDefinition>>
  /** What members say of themselves in a room, an object: a cursor, a status. */
  readonly presence?: StandardSchemaV1
  /**
   * Names in the state of rooms, each with the schema of its values; a `*` in a name stands for any characters. With it the
   * server refuses all other names.
   */
  readonly state?: Readonly<Record<string, StandardSchemaV1>>
}

/** What a client says of itself in a room. */
export type PresenceState = Readonly<Record<string, unknown>>

/** What members say of themselves, as others get it. */
export type ReceivedPresence<C> = C extends { readonly presence: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferOutput<Schema>
  : PresenceState

/** What a client of a contract may say of itself. */
export type SentPresence<C> = C extends { readonly presence: infer Schema extends StandardSchemaV1 }
  ? StandardSchemaV1.InferInput<Schema>
  : PresenceState

/** Names that the state of a room may have. */
export type StateName<C> = C extends { readonly state: infer State }
  ? {
      [Name in keyof State & string]: Name extends `${infer Front}*${infer Back}` ? `${Front}${string}${Back}` : Name
    }[keyof State & string]
  : string

type StateSchema<State, Name extends string> = {
  [Pattern in keyof State & string]: Pattern extends `${infer Front}*${infer Back}`
    ? Name extends `${Front}${string}${Back}`
      ? State[Pattern]
      : never
    : Name extends Pattern
      ? State[Pattern]
      : never
}[keyof State & string]

/** The value of a name in the state of a room, as its readers get it. */
export type StateValue<C, Name extends string = string> = C extends { readonly state: infer State }
  ? StandardSchemaV1.InferOutput<Extract<StateSchema<State, Name>, StandardSchemaV1>>
  : unknown

/** The value of a name in the state of a room, as a writer gives it. */
export type GivenStateValue<C, Name extends string = string> = C extends { readonly state: infer State }
  ? StandardSchemaV1.InferInput<Extract<StateSchema<State, Name>, StandardSchemaV1>>
  : unknown

/** What every durable event carries beside its own fields. W5. */
export interface DurableFields {
  /** Unique in the namespace. */
  readonly id: string
  readonly roomId: string
  /** Number in its room: 1, 2, 3, … */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly ts: number
  /** The idempotency key of the request that caused it. */
  readonly key?: string
}

/** The arguments of an event as its sender gives them. */
export type SentArgs<Event extends EventDefinition> = Event extends {
  readonly args: infer Schemas extends readonly StandardSchemaV1[]
}
  ? { -readonly [Index in keyof Schemas]: StandardSchemaV1.InferInput<Schemas[Index]> }
  : Event extends { readonly data: infer Schema extends StandardSchemaV1 }
    ? [data: StandardSchemaV1.InferInput<Schema>]
    : []

/** The arguments of an event as its receiver gets them. */
export type ReceivedArgs<Event extends EventDefinition> = Event extends {
  readonly args: infer Schemas extends readonly StandardSchemaV1[]
}
  ? { -readonly [Index in keyof Schemas]: StandardSchemaV1.InferOutput<Schemas[Index]> }
  : Event extends { readonly data: infer Schema extends StandardSchemaV1 }
    ? [data: StandardSchemaV1.InferOutput<Schema>]
    : []

/** The arguments of an event as clients receive it: the one object of a durable event carries the log's fields too. */
export type DeliveredArgs<Event extends EventDefinition> = Event extends { readonly durable: true }
  ? ReceivedArgs<Event> extends readonly [infer Data extends object]
    ? [data: Data & DurableFields]
    : ReceivedArgs<Event>
  : ReceivedArgs<Event>

/** The one argument of an event as its sender gives it; `undefined` for an event without arguments. */
export type SentData<Event extends EventDefinition> = Event extends {
  readonly data: infer Schema extends StandardSchemaV1
}
  ? StandardSchemaV1.InferInput<Schema>
  : undefined

/** What the handler of an event may return; anything when the contract does not say. */
export type GivenAck<Event extends EventDefinition> = Event extends {
  readonly ack: infer Schema extends StandardSchemaV1
}
  ? StandardSchemaV1.InferInput<Schema>
  : unknown

/** What a request is answered with, as its sender gets it. */
export type ReceivedAck<Event extends EventDefinition> = Event extends {
  readonly ack: infer Schema extends StandardSchemaV1
}
  ? StandardSchemaV1.InferOutput<Schema>
  : unknown
