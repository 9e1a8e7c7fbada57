/**
 * The types of a contract: which events a namespace speaks, and what both sides may therefore say and expect (D5). Types
 * only, over Standard Schema's, so that the server and the SDK infer the same from one declaration and neither has to
 * import the other's code.
 *
 * A schema has two faces: what may be given to it (input) and what comes out of it (output). Whoever sends is typed by
 * the input, whoever receives by the output.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** What is said of one event. `data` for one argument, `args` for several, neither for none. */
export interface EventDefinition {
  readonly data?: StandardSchemaV1
  readonly args?: readonly StandardSchemaV1[]
  /** What the handler answers. */
  readonly ack?: StandardSchemaV1
  /** Server events only: logged, numbered, replayed. */
  readonly durable?: boolean
  /** Server events only: may be dropped for a slow link; with `latestBy` the latest per value of that field is kept. */
  readonly volatile?: boolean | { readonly latestBy: string }
}

export interface Contract {
  /** What clients send. */
  readonly client: Readonly<Record<string, EventDefinition>>
  /** What the server sends. */
  readonly server: Readonly<Record<string, EventDefinition>>
}

/** What every durable event carries beside its own fields. W5. */
export interface DurableFields {
  readonly id: string
  readonly roomId: string
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly ts: number
  /** The idempotency key of the request that caused it. */
  readonly key?: string
}

/** The arguments as who sends the event gives them. */
export type SentArgs<Event extends EventDefinition> = Event extends {
  readonly args: infer Schemas extends readonly StandardSchemaV1[]
}
  ? { -readonly [Index in keyof Schemas]: StandardSchemaV1.InferInput<Schemas[Index]> }
  : Event extends { readonly data: infer Schema extends StandardSchemaV1 }
    ? [data: StandardSchemaV1.InferInput<Schema>]
    : []

/** The arguments as who receives the event gets them. */
export type ReceivedArgs<Event extends EventDefinition> = Event extends {
  readonly args: infer Schemas extends readonly StandardSchemaV1[]
}
  ? { -readonly [Index in keyof Schemas]: StandardSchemaV1.InferOutput<Schemas[Index]> }
  : Event extends { readonly data: infer Schema extends StandardSchemaV1 }
    ? [data: StandardSchemaV1.InferOutput<Schema>]
    : []

/** The arguments of an event as a client hears it: the one object of a durable event carries the log's fields too. */
export type HeardArgs<Event extends EventDefinition> = Event extends { readonly durable: true }
  ? ReceivedArgs<Event> extends readonly [infer Data extends object]
    ? [data: Data & DurableFields]
    : ReceivedArgs<Event>
  : ReceivedArgs<Event>

/** The one argument a client sends, `undefined` for an event without any. */
export type SentData<Event extends EventDefinition> = Event extends {
  readonly data: infer Schema extends StandardSchemaV1
}
  ? StandardSchemaV1.InferInput<Schema>
  : undefined

/** What the handler of an event may answer; anything when the contract does not say. */
export type GivenAck<Event extends EventDefinition> = Event extends {
  readonly ack: infer Schema extends StandardSchemaV1
}
  ? StandardSchemaV1.InferInput<Schema>
  : unknown

/** What the answer to an event is for who asked. */
export type ReceivedAck<Event extends EventDefinition> = Event extends {
  readonly ack: infer Schema extends StandardSchemaV1
}
  ? StandardSchemaV1.InferOutput<Schema>
  : unknown
