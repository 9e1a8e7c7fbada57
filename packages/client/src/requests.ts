/**
 * Everything that the SDK sends to the server as an event, with or without an acknowledgement. What cannot be sent yet
 * waits for the connection, in order. What was sent when the connection was lost is sent again by the next one if a repeat
 * does no harm, and refused otherwise, because the client cannot know whether it was done. C11, G3.
 */
import { type Limits, toJson } from '@roomful/protocol'
import type { Connection } from './connection.ts'
import type { Clock, Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import type { AckFrame } from './events.ts'

/** How a request is sent. */
export interface RequestOptions {
  /** Makes it idempotent: the server does it once for this key, and a repeat gets the first acknowledgement. */
  key?: string | undefined
  /** For the connection and the acknowledgement together, ms. Default 5,000, or unlimited for durable requests. */
  timeoutMs?: number | undefined
  /** Aborting it ends the wait; the server may still handle the request. */
  signal?: AbortSignal | undefined
}

export interface Call extends RequestOptions {
  /** Doing it twice is the same as once, even without a key: reading, joining. */
  readonly isRepeatable?: boolean
  /** Synchronous, so that state is updated before the next frame of the same message; a promise would run later. */
  readonly onAck?: (data: unknown) => void
}

/** Whether the server can be reached: now, once there is a connection, or never, because the client is closed. */
export type Reach = 'now' | 'later' | 'never'

/** C11. */
const REQUEST_TIMEOUT_MS = 5_000
/** Requests that wait for a connection or an acknowledgement; one more is refused with QUEUE_FULL. Enough for any burst that a person causes. */
export const MAX_PENDING = 1_000

interface Pending {
  readonly text: string
  readonly bodyBytes: number
  readonly isRepeatable: boolean
  readonly wantsAck: boolean
  /** On the current connection. */
  isSent: boolean
  /** On any connection. */
  wasSent: boolean
  readonly onAck: Call['onAck']
  readonly settle: Deferred['settle']
}

const utf8 = new TextEncoder()

export class Requests {
  readonly #environment: Environment
  readonly #connection: Connection
  readonly #pending = new Map<number, Pending>()
  readonly #url: string
  #lastId = 0

  /** @param url of the server, as the application wrote it */
  constructor(environment: Environment, connection: Connection, url: string) {
    this.#environment = environment
    this.#url = url
    this.#connection = connection
  }

  get reach(): Reach {
    const { status } = this.#connection.state
    return status === 'open' ? 'now' : status === 'closed' ? 'never' : 'later'
  }

  get limits(): Partial<Limits> {
    return this.#connection.server.limits
  }

  /** Sends without an acknowledgement; `onError` gets the reason when it could not be sent. */
  emit(event: string, args: readonly unknown[]): void {
    this.#start(event, args, {}, false).catch(this.#environment.onError)
  }

  /** @returns the acknowledgement; rejects with a RoomfulError, or with the signal's reason */
  call(event: string, args: readonly unknown[], call: Call = {}): Promise<unknown> {
    return this.#start(event, args, call, true)
  }

  /** The connection is open: sends what waits, in order. */
  handleOpen(): void {
    for (const request of [...this.#pending.values()]) if (!request.isSent) this.#send(request)
  }

  /** The connection was lost. */
  handleDown(): void {
    for (const request of [...this.#pending.values()]) {
      if (!request.isSent) continue
      if (request.isRepeatable) request.isSent = false
      else request.settle(new RoomfulError('DISCONNECTED'))
    }
  }

  handleAck({ ack, data, error }: AckFrame): void {
    const request = this.#pending.get(ack as number)
    if (!error) request?.onAck?.(data)
    request?.settle(error && RoomfulError.fromWire(error), data)
  }

  /** The client is closed. */
  rejectAll(error: RoomfulError): void {
    for (const request of [...this.#pending.values()]) request.settle(error)
  }

  async #start(event: string, args: readonly unknown[], call: Call, wantsAck: boolean): Promise<unknown> {
    const { key, signal, timeoutMs = REQUEST_TIMEOUT_MS } = call
    const { clock, traceparent } = this.#environment
    if (this.reach === 'never') throw new RoomfulError('CLOSED')
    if (this.#pending.size >= MAX_PENDING) throw new RoomfulError('QUEUE_FULL')
    const id = ++this.#lastId
    const body = writeArgs(args) // throws what JSON.stringify throws: the caller's own mistake
    const timeoutError = (): RoomfulError =>
      request.wasSent
        ? new RoomfulError('TIMEOUT', `No answer to ${event} within ${timeoutMs} ms`)
        : new RoomfulError('NOT_CONNECTED', `No connection to ${this.#url} in ${timeoutMs} ms; nothing was sent`)
    const onSettled = (): void => {
      this.#pending.delete(id)
    }
    const { promise, settle } = defer({ clock, timeoutMs, signal, timeoutError, onSettled })
    const request: Pending = {
      text: writeRequest({ event, id: wantsAck ? id : undefined, key, traceparent: traceparent?.() }, body),
      bodyBytes: byteLength(body),
      isRepeatable: key !== undefined || call.isRepeatable === true,
      onAck: call.onAck,
      wantsAck,
      isSent: false,
      wasSent: false,
      settle,
    }
    this.#pending.set(id, request)
    if (this.reach === 'now') this.#send(request)
    return promise
  }

  #send(request: Pending): void {
    const limit = this.limits.maxMessageBytes
    if (limit !== undefined && request.bodyBytes > limit) {
      return request.settle(new RoomfulError('TOO_LARGE', `The message is too large: at most ${limit} bytes`))
    }
    request.isSent = true
    request.wasSent = true
    this.#connection.send(request.text)
    if (!request.wantsAck) request.settle(undefined)
  }
}

/** Bytes of the arguments as the server counts them, without the name of the field that holds them. */
function byteLength(body: string): number {
  return body === '' ? 0 : utf8.encode(body.slice(body.indexOf(':') + 1)).byteLength
}

/**
 * Writes a frame without its first brace: the link adds that and its channel.
 * @param fields those without a value are left out
 * @param body JSON of the arguments, from {@link writeArgs}
 */
function writeRequest(fields: Readonly<Record<string, number | string | undefined>>, body: string): string {
  return `${JSON.stringify(fields).slice(1, -1)}${body}}`
}

/** The arguments as part of a frame: nothing, `data` for one, `args` for several. */
function writeArgs(args: readonly unknown[]): string {
  if (args.length === 0 || (args.length === 1 && args[0] === undefined)) return ''
  return args.length === 1 ? `,"data":${toJson(args[0])}` : `,"args":${toJson(args)}`
}

export interface DeferredOptions {
  readonly clock: Clock
  /** No deadline without it. */
  readonly timeoutMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutError: () => RoomfulError
  /** Called once, before the promise settles. */
  readonly onSettled: () => void
}

/** A promise that its owner settles, or its deadline, or its signal, whichever comes first. */
export interface Deferred {
  readonly promise: Promise<unknown>
  /** Rejects with `error` when there is one. Later calls do nothing. */
  settle(error: unknown, value?: unknown): void
}

/** @throws the signal's reason when it is already aborted */
export function defer({ clock, timeoutMs, signal, timeoutError, onSettled }: DeferredOptions): Deferred {
  signal?.throwIfAborted()
  let settle: Deferred['settle'] | undefined
  const promise = new Promise((resolve, reject) => {
    settle = (error, value) => {
      if (!settle) return
      settle = undefined
      cancelTimer?.()
      signal?.removeEventListener('abort', onAbort)
      onSettled()
      if (error === undefined) resolve(value)
      else reject(error)
    }
  })
  const onAbort = (): void => settle?.(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  const cancelTimer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => settle?.(timeoutError()))
  return { promise, settle: (error, value) => settle?.(error, value) }
}
