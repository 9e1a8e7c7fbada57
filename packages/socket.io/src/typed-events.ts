/**
 * Types of events and listeners, from the maps that an application gives to `Server`: what clients send, what they are
 * sent, what servers send each other. The names are those of Socket.IO, since applications import some of them.
 */
import { EventEmitter } from 'node:events'

/** Names of events, each with the type of its listener. */
export interface EventsMap {
  [event: string]: any
}

/** The map of an application that gives none: any name, any arguments. */
export interface DefaultEventsMap {
  [event: string]: (...args: any[]) => void
}

type Fn = (...args: any[]) => any
type IsAny<T> = 0 extends 1 & T ? true : false
type ParametersOf<T> = T extends (...args: infer P) => any ? P : never

/** The last element of a list. */
export type Last<T extends readonly unknown[]> = T extends readonly [...unknown[], infer L]
  ? L
  : T extends readonly [...infer _, (infer L)?]
    ? L
    : T extends ReadonlyArray<infer E>
      ? E
      : never
/** All elements but the last. */
export type AllButLast<T extends any[]> = T extends [...infer Front, any] ? Front : any[]

/** The names in a map. */
export type EventNames<M extends EventsMap> = keyof M & (string | symbol)
/** The arguments of an event. */
export type EventParams<M extends EventsMap, E extends EventNames<M>> = Parameters<M[E]>

/** An event of a map without types has an acknowledgement or none, as the application likes. */
type IsOpen<L> = IsAny<L> extends true ? true : IsAny<Last<ParametersOf<L>>>
type EndsInCallback<L> = ParametersOf<L> extends never[] ? false : Last<ParametersOf<L>> extends Fn ? true : false
type CallbackOf<L> = Extract<Last<ParametersOf<L>>, Fn>

/** The events whose last argument is a callback. */
export type EventNamesWithAck<M extends EventsMap> = {
  [E in EventNames<M>]: IsOpen<M[E]> extends true ? E : EndsInCallback<M[E]> extends true ? E : never
}[EventNames<M>]

/** The events whose last argument is none. */
export type EventNamesWithoutAck<M extends EventsMap> = {
  [E in EventNames<M>]: IsOpen<M[E]> extends true ? E : EndsInCallback<M[E]> extends true ? never : E
}[EventNames<M>]

/** The events whose callback is given an error first. */
export type EventNamesWithError<M extends EventsMap> = {
  [E in EventNames<M>]: IsOpen<M[E]> extends true
    ? E
    : EndsInCallback<M[E]> extends true
      ? ParametersOf<CallbackOf<M[E]>>[0] extends Error
        ? E
        : never
      : never
}[EventNames<M>]

/** The map without the events that are acknowledged. */
export type RemoveAcknowledgements<M extends EventsMap> = { [E in EventNamesWithoutAck<M>]: M[E] }

/** What `emitWithAck` resolves with. */
export type FirstNonErrorArg<T> = T extends (...args: infer P) => any ? (P[0] extends Error ? P[1] : P[0]) : any

type WithError<T> = T extends (...args: infer P) => infer R
  ? P[0] extends Error
    ? T
    : (err: Error, ...args: P) => R
  : T
type FirstOf<T extends unknown[]> = T extends [unknown, ...infer Rest]
  ? T extends [...infer H, ...Rest]
    ? H
    : never
  : never
type Lists<T extends unknown[]> = { [K in keyof T]: T[K][] }
type OfSeveral<T> = T extends (...args: infer P) => infer R
  ? P extends [Error]
    ? (err: Error) => R
    : P extends [Error, ...infer Rest]
      ? (err: Error, ...args: FirstOf<Lists<Rest>>) => R
      : P extends []
        ? () => R
        : (...args: FirstOf<Lists<P>>) => R
  : T
type EachWithError<P extends any[]> = { [K in keyof P]: WithError<P[K]> }
type EachOfSeveral<P extends any[]> = { [K in keyof P]: OfSeveral<P[K]> }

/** Callbacks get an error first, since they may come too late. */
export type DecorateAcknowledgements<M> = {
  [E in keyof M]: M[E] extends (...args: infer P) => infer R ? (...args: EachWithError<P>) => R : M[E]
}
/** Callbacks get the answers of several clients. */
export type DecorateAcknowledgementsWithMultipleResponses<M> = {
  [E in keyof M]: M[E] extends (...args: infer P) => infer R ? (...args: EachOfSeveral<P>) => R : M[E]
}
/** Both. */
export type DecorateAcknowledgementsWithTimeoutAndMultipleResponses<M> = {
  [E in keyof M]: M[E] extends (...args: infer P) => infer R ? (...args: EachOfSeveral<EachWithError<P>>) => R : M[E]
}

/** Names of the application and of the package. */
export type ReservedOrUserEventNames<Reserved extends EventsMap, User extends EventsMap> =
  | EventNames<Reserved>
  | EventNames<User>
/** The listener of such a name; any, where the map does not say. */
export type ReservedOrUserListener<
  Reserved extends EventsMap,
  User extends EventsMap,
  E extends ReservedOrUserEventNames<Reserved, User>,
> = OrAnyListener<E extends EventNames<Reserved> ? Reserved[E] : E extends EventNames<User> ? User[E] : never>
type OrAnyListener<T> = [T] extends [never] ? (...args: any[]) => void | Promise<void> : T

/** Sends typed events. */
export interface TypedEventBroadcaster<Emit extends EventsMap> {
  emit<E extends EventNames<Emit>>(ev: E, ...args: EventParams<Emit, E>): boolean
}

type Subscribe<This, Listen extends EventsMap, Reserved extends EventsMap> = <
  E extends ReservedOrUserEventNames<Reserved, Listen>,
>(
  ev: E,
  listener: ReservedOrUserListener<Reserved, Listen, E>,
) => This

type Untyped = Omit<
  EventEmitter,
  | 'on'
  | 'once'
  | 'emit'
  | 'listeners'
  | 'off'
  | 'addListener'
  | 'removeListener'
  | 'prependListener'
  | 'prependOnceListener'
  | 'removeAllListeners'
  | 'setMaxListeners'
>

/** An emitter whose listeners and events have types. */
export interface StrictEventEmitter<
  Listen extends EventsMap,
  Emit extends EventsMap,
  Reserved extends EventsMap = Record<never, never>,
> extends Untyped,
    TypedEventBroadcaster<Emit> {
  on: Subscribe<this, Listen, Reserved>
  once: Subscribe<this, Listen, Reserved>
  listeners<E extends ReservedOrUserEventNames<Reserved, Listen>>(ev: E): ReservedOrUserListener<Reserved, Listen, E>[]
  off(ev: string | symbol, listener: Fn): this
  addListener(ev: string | symbol, listener: Fn): this
  removeListener(ev: string | symbol, listener: Fn): this
  prependListener(ev: string | symbol, listener: Fn): this
  prependOnceListener(ev: string | symbol, listener: Fn): this
  removeAllListeners(ev?: string | symbol): this
  setMaxListeners(count: number): this
}

/** Node's emitter, with the types above. */
export const StrictEventEmitter = EventEmitter as unknown as new <
  Listen extends EventsMap,
  Emit extends EventsMap,
  Reserved extends EventsMap = Record<never, never>,
>() => StrictEventEmitter<Listen, Emit, Reserved>

/** Emits to local listeners, whatever a class makes of `emit`. */
export function emitLocally(emitter: object, ev: string | symbol, ...args: unknown[]): boolean {
  return EventEmitter.prototype.emit.call(emitter as EventEmitter, ev, ...args)
}
