/**
 * The event maps of an official Socket.IO client, inferred from a contract (D5). Types only:
 *
 * ```ts
 * const socket: Socket<ServerToClient<typeof contract>, ClientToServer<typeof contract>> = io('https://…/tasks')
 * ```
 *
 * They include the room vocabulary, which every namespace has. As in Socket.IO's own types, an event with an answer takes a
 * callback; `emitWithAck` returns the answer as a promise.
 */
import type { WireError } from './codes.ts'
import type {
  Contract,
  DeliveredArgs,
  EventDefinition,
  GivenAck,
  ReceivedAck,
  ReceivedArgs,
  SentArgs,
} from './contract.ts'
import type { DownData, DownName, UpAck, UpData, UpName } from './vocabulary.ts'

/** What the callback of a refused request is called with. */
export type Refused = { status: 'error' } & WireError

/** Events that the client listens for: the first type parameter of its `Socket`. */
export type ServerToClient<C extends Contract> = {
  [Name in keyof C['server'] & string]: (...args: ListenedArgs<C['server'][Name]>) => void
} & {
  [Name in Exclude<DownName, keyof C['server']>]: (data: DownData<Name>) => void
} & (C['server'] extends { error: EventDefinition }
    ? unknown
    : { error: (error: WireError & { event?: string }) => void })

/** Events that the client emits: the second type parameter of its `Socket`. */
export type ClientToServer<C extends Contract> = {
  [Name in keyof C['client'] & string]: (
    ...args: [...WithKey<SentArgs<C['client'][Name]>>, ...CallbackOf<C['client'][Name]>]
  ) => void
} & {
  [Name in Exclude<UpName, keyof C['client']>]: (...args: [data: RoomData<Name>, ...RoomCallback<Name>]) => void
}

/** A request of the server comes with a callback for the answer. */
type ListenedArgs<Event extends EventDefinition> = Event extends { readonly ack: object }
  ? [...ReceivedArgs<Event>, answer: (value: GivenAck<Event>) => void]
  : DeliveredArgs<Event>

type CallbackOf<Event extends EventDefinition> = Event extends { readonly ack: object }
  ? [callback: (answer: ReceivedAck<Event> | Refused) => void]
  : []

/** The one object may carry the idempotency key. */
type WithKey<Args extends readonly unknown[]> = Args extends [infer Data extends object]
  ? [data: Data & { key?: string }]
  : Args

/** The data may be just the room id. */
type RoomData<Name extends UpName> =
  | (UpData<Name> & { key?: string })
  | (UpData<Name> extends { roomId: string } ? ({ roomId: string } extends UpData<Name> ? string : never) : never)

type RoomCallback<Name extends UpName> = Name extends 'typing:start' | 'typing:stop'
  ? []
  : [callback: (answer: UpAck<Name> | Refused) => void]
