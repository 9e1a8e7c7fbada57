/** One message: its name, its schema as data, and when it is sent. Each has a file of its own; up.ts and down.ts list them. */
import type { Static, TSchema } from 'typebox'

export interface UpMessage<
  Name extends string = string,
  Data extends TSchema = TSchema,
  Ack extends TSchema = TSchema,
> {
  readonly name: Name
  readonly data: Data
  /** What a successful acknowledgement carries. */
  readonly ack: Ack
  readonly when: string
}

export interface DownMessage<Name extends string = string, Data extends TSchema = TSchema> {
  readonly name: Name
  readonly data: Data
  /** durable: logged, numbered, replayed. transient: to those connected now. volatile: may be dropped for a slow link. */
  readonly delivery: 'durable' | 'transient' | 'volatile'
  readonly when: string
}

export function up<Name extends string, Data extends TSchema, Ack extends TSchema>(
  name: Name,
  parts: { data: Data; ack: Ack; when: string },
): UpMessage<Name, Data, Ack> {
  return { name, ...parts }
}

export function down<Name extends string, Data extends TSchema>(
  name: Name,
  parts: { data: Data; delivery: DownMessage['delivery']; when: string },
): DownMessage<Name, Data> {
  return { name, ...parts }
}

export type DataOf<Message extends { data: TSchema }> = Static<Message['data']>
export type AckOf<Message extends { ack: TSchema }> = Static<Message['ack']>
