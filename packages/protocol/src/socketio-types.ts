/**
 * The event maps of an official Socket.IO client, inferred from a contract (D5). Types only:
 *
 * ```ts
 * const socket: Socket<ServerToClient<typeof contract>, ClientToServer<typeof contract>> = io('https://…/tasks')
 * ```
 *
 * The room vocabulary, which every namespace has, is in them too. As Socket.IO's own types want it, an event with an answer
 * takes its callback; `emitWithAck` gives the promise of it.
 */
import type { Contract, EventDefinition, GivenAck, HeardArgs, ReceivedAck, ReceivedArgs, SentArgs } from './contract.ts'
import type { DownData, DownName } from './down.ts'
import type { WireError } from './error-codes.ts'
import type { UpAck, UpData, UpName } from './up.ts'

/** What a callback is given for a refused request. */
export type Refused = { status: 'error' } & WireError

/** What the client listens for: its `Socket`'s first type. */
export type ServerToClient<C extends Contract> = {
  [Name in keyof C['server'] & string]: (...args: ListenedArgs<C['server'][Name]>) => void
} & {
  [Name in Exclude<DownName, keyof C['server']>]: (data: DownData<Name>) => void
} & (C['server'] extends { error: EventDefinition }
    ? unknown
    : { error: (error: WireError & { event?: string }) => void })

/** What the client emits: its `Socket`'s second type. */
export type ClientToServer<C extends Contract> = {
  [Name in keyof C['client'] & string]: (
    ...args: [...WithKey<SentArgs<C['client'][Name]>>, ...CallbackOf<C['client'][Name]>]
  ) => void
} & {
  [Name in Exclude<UpName, keyof C['client']>]: (...args: [data: RoomData<Name>, ...RoomCallback<Name>]) => void
}

/** What the server asks comes with the callback that answers. */
type ListenedArgs<Event extends EventDefinition> = Event extends { readonly ack: object }
  ? [...ReceivedArgs<Event>, answer: (value: GivenAck<Event>) => void]
  : HeardArgs<Event>

type CallbackOf<Event extends EventDefinition> = Event extends { readonly ack: object }
  ? [callback: (answer: ReceivedAck<Event> | Refused) => void]
  : []

/** The one object may carry the idempotency key. */
type WithKey<Args extends readonly unknown[]> = Args extends [infer Data extends object]
  ? [data: Data & { key?: string }]
  : Args

/** A room id may come alone. */
type RoomData<Name extends UpName> =
  | (UpData<Name> & { key?: string })
  | (UpData<Name> extends { roomId: string } ? ({ roomId: string } extends UpData<Name> ? string : never) : never)

type RoomCallback<Name extends UpName> = Name extends 'typing:start' | 'typing:stop'
  ? []
  : [callback: (answer: UpAck<Name> | Refused) => void]
