/** What a contract gives to those who write handlers: the same objects with names and arguments known. Types only. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Context } from './context.ts'
import type { Contract, EventDefinition } from './contract.ts'
import type { Stored } from './effects.ts'
import type { Namespace, NamespaceEvents, PublishOptions } from './namespace.ts'

type Output<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<Schema> : unknown
type Outputs<Schemas extends readonly StandardSchemaV1[]> = { [Index in keyof Schemas]: Output<Schemas[Index]> }

/** The arguments of an event: those of `args`, the one of `data`, or any. */
export type ArgsOf<Definition extends EventDefinition> = Definition extends {
  args: infer Schemas extends readonly StandardSchemaV1[]
}
  ? [...Outputs<Schemas>]
  : Definition extends { data: infer Schema extends StandardSchemaV1 }
    ? [data: Output<Schema>]
    : unknown[]

/** What a handler answers: a value, or a function of what was stored. */
export type Answer<Definition extends EventDefinition> = Definition extends {
  ack: infer Schema extends StandardSchemaV1
}
  ? Output<Schema> | ((stored: readonly Stored[]) => Output<Schema>)
  : unknown

type ServerName<C extends Contract> = keyof C['server'] & string
type ClientName<C extends Contract> = keyof C['client'] & string
/** Names of durable events; the others are for those connected now. */
export type DurableName<C extends Contract> = {
  [Name in ServerName<C>]: C['server'][Name] extends { durable: true } ? Name : never
}[ServerName<C>]
type PassingName<C extends Contract> = Exclude<ServerName<C>, DurableName<C>>

/** To exactly one room: any event of the contract. */
export interface RoomEmitter<C extends Contract> {
  to(room: string | readonly string[]): CombinedEmitter<C>
  in(room: string | readonly string[]): CombinedEmitter<C>
  except(room: string | readonly string[]): CombinedEmitter<C>
  readonly volatile: CombinedEmitter<C>
  latest(key: string): CombinedEmitter<C>
  emit<Name extends ServerName<C>>(type: Name, ...args: ArgsOf<C['server'][Name]>): void
}

/** To several rooms, to everyone, or with somebody left out: a durable event is a type error. DURABLE_NEEDS_ONE_ROOM. */
export interface CombinedEmitter<C extends Contract> {
  to(room: string | readonly string[]): CombinedEmitter<C>
  in(room: string | readonly string[]): CombinedEmitter<C>
  except(room: string | readonly string[]): CombinedEmitter<C>
  readonly volatile: CombinedEmitter<C>
  latest(key: string): CombinedEmitter<C>
  emit<Name extends PassingName<C>>(type: Name, ...args: ArgsOf<C['server'][Name]>): void
}

type UntypedOf<Whole, Names extends PropertyKey> = Omit<Whole, Names>

export type TypedContext<C extends Contract> = UntypedOf<
  Context,
  'emit' | 'to' | 'toAll' | 'broadcast' | 'toRooms' | 'append' | 'publish'
> & {
  emit<Name extends PassingName<C>>(type: Name, ...args: ArgsOf<C['server'][Name]>): void
  to(room: string | readonly string[]): CombinedEmitter<C>
  toAll(room: string | readonly string[]): RoomEmitter<C>
  readonly broadcast: CombinedEmitter<C>
  toRooms(): CombinedEmitter<C>
  append<Name extends DurableName<C>>(roomId: string, type: Name, ...args: ArgsOf<C['server'][Name]>): void
  publish<Name extends DurableName<C>>(roomId: string, type: Name, ...args: ArgsOf<C['server'][Name]>): Promise<Stored>
}

export type TypedNamespace<C extends Contract> = UntypedOf<
  Namespace,
  'on' | 'handle' | 'emit' | 'to' | 'in' | 'except' | 'volatile' | 'publish'
> & {
  on<Name extends keyof NamespaceEvents>(
    event: Name,
    listener: (...args: NamespaceEvents[Name]) => void,
  ): TypedNamespace<C>
  on<Name extends ClientName<C>>(
    event: Name,
    handler: (
      context: TypedContext<C>,
      ...args: ArgsOf<C['client'][Name]>
    ) => Answer<C['client'][Name]> | Promise<Answer<C['client'][Name]>>,
  ): TypedNamespace<C>
  emit<Name extends PassingName<C>>(type: Name, ...args: ArgsOf<C['server'][Name]>): void
  to(room: string): RoomEmitter<C>
  to(rooms: readonly string[]): CombinedEmitter<C>
  in(room: string): RoomEmitter<C>
  in(rooms: readonly string[]): CombinedEmitter<C>
  except(room: string | readonly string[]): CombinedEmitter<C>
  readonly volatile: CombinedEmitter<C>
  publish<Name extends DurableName<C>>(
    roomId: string,
    type: Name,
    args: ArgsOf<C['server'][Name]>,
    options?: PublishOptions,
  ): Promise<Stored>
}
