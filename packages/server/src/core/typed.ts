/** What a contract gives to those who write handlers: the same objects with names and arguments known. Types only. */
import type {
  Contract,
  EventDefinition,
  GivenAck,
  ReceivedAck,
  ReceivedArgs,
  SentArgs,
  SentData,
} from '@roomful/protocol'
import type { Stored } from './log/effects.ts'
import type { Namespace } from './namespace.ts'
import type { Context } from './requests/context.ts'
import type { PublishOptions } from './requests/publisher.ts'
import type { AskOptions } from './state/client-requests.ts'
import type { Connection, NamespaceEvents } from './state/namespace-state.ts'

/** What a handler answers: a value, or a function of what was stored. */
export type Answer<Definition extends EventDefinition> =
  | (unknown extends GivenAck<Definition> ? Anything : GivenAck<Definition>)
  | ((stored: readonly Stored[]) => GivenAck<Definition>)

/** As `unknown`, which would swallow the function beside it and with it the type of its argument. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing
type Anything = object | string | number | boolean | null | undefined | void

type ServerName<C extends Contract> = keyof C['server'] & string
type ClientName<C extends Contract> = keyof C['client'] & string
/** Names of durable events; the others are for those connected now. */
export type DurableName<C extends Contract> = {
  [Name in ServerName<C>]: C['server'][Name] extends { durable: true } ? Name : never
}[ServerName<C>]
/** Names of events that one client is asked, and answers. */
export type AskedName<C extends Contract> = {
  [Name in ServerName<C>]: C['server'][Name] extends { ack: object } ? Name : never
}[ServerName<C>]
type PassingName<C extends Contract> = Exclude<ServerName<C>, DurableName<C> | AskedName<C>>

export type TypedConnection<C extends Contract> = UntypedOf<Connection, 'request' | 'call' | 'emit'> & {
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
  request<Name extends AskedName<C>>(
    event: Name,
    ...[data, options]: SentData<C['server'][Name]> extends undefined
      ? [data?: undefined, options?: AskOptions]
      : [data: SentData<C['server'][Name]>, options?: AskOptions]
  ): Promise<ReceivedAck<C['server'][Name]>>
  call<Name extends AskedName<C>>(
    event: Name,
    ...args: SentArgs<C['server'][Name]>
  ): Promise<ReceivedAck<C['server'][Name]>>
}

/** To exactly one room: any event of the contract. */
export interface RoomEmitter<C extends Contract> {
  to(room: string | readonly string[]): CombinedEmitter<C>
  in(room: string | readonly string[]): CombinedEmitter<C>
  except(room: string | readonly string[]): CombinedEmitter<C>
  readonly volatile: CombinedEmitter<C>
  latest(key: string): CombinedEmitter<C>
  emit<Name extends ServerName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
}

/** To several rooms, to everyone, or with somebody left out: a durable event is a type error. DURABLE_NEEDS_ONE_ROOM. */
export interface CombinedEmitter<C extends Contract> {
  to(room: string | readonly string[]): CombinedEmitter<C>
  in(room: string | readonly string[]): CombinedEmitter<C>
  except(room: string | readonly string[]): CombinedEmitter<C>
  readonly volatile: CombinedEmitter<C>
  latest(key: string): CombinedEmitter<C>
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
}

type UntypedOf<Whole, Names extends PropertyKey> = Omit<Whole, Names>

export type TypedContext<C extends Contract> = UntypedOf<
  Context,
  'connection' | 'emit' | 'to' | 'toAll' | 'broadcast' | 'toRooms' | 'append' | 'publish'
> & {
  readonly connection: TypedConnection<C>
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
  to(room: string | readonly string[]): CombinedEmitter<C>
  toAll(room: string | readonly string[]): RoomEmitter<C>
  readonly broadcast: CombinedEmitter<C>
  toRooms(): CombinedEmitter<C>
  append<Name extends DurableName<C>>(roomId: string, type: Name, ...args: SentArgs<C['server'][Name]>): void
  publish<Name extends DurableName<C>>(
    roomId: string,
    type: Name,
    ...args: SentArgs<C['server'][Name]>
  ): Promise<Stored>
}

/** The connection that comes first, with the contract's names. */
type Typed<C extends Contract, Args extends readonly unknown[]> = Args extends [connection: Connection, ...infer Rest]
  ? [connection: TypedConnection<C>, ...Rest]
  : Args

/** A conditional type, so that literals in what a handler returns keep their types: they are checked against its event. */
type HandlerOf<C extends Contract, Name> =
  Name extends ClientName<C>
    ? (
        context: TypedContext<C>,
        ...args: ReceivedArgs<C['client'][Name]>
      ) => Answer<C['client'][Name]> | Promise<Answer<C['client'][Name]>>
    : never

export type TypedNamespace<C extends Contract> = UntypedOf<
  Namespace,
  'on' | 'hook' | 'handle' | 'connections' | 'emit' | 'to' | 'in' | 'except' | 'volatile' | 'publish'
> & {
  /** Open connections by id. */
  readonly connections: ReadonlyMap<string, TypedConnection<C>>
  on<Name extends ClientName<C>>(event: Name, handler: HandlerOf<C, Name>): TypedNamespace<C>
  hook<Name extends keyof NamespaceEvents>(
    name: Name,
    listener: (...args: Typed<C, NamespaceEvents[Name]>) => unknown,
  ): TypedNamespace<C>
  emit<Name extends PassingName<C>>(type: Name, ...args: SentArgs<C['server'][Name]>): void
  to(room: string): RoomEmitter<C>
  to(rooms: readonly string[]): CombinedEmitter<C>
  in(room: string): RoomEmitter<C>
  in(rooms: readonly string[]): CombinedEmitter<C>
  except(room: string | readonly string[]): CombinedEmitter<C>
  readonly volatile: CombinedEmitter<C>
  publish<Name extends DurableName<C>>(
    roomId: string,
    type: Name,
    args: SentArgs<C['server'][Name]>,
    options?: PublishOptions,
  ): Promise<Stored>
}
