/**
 * Everything that goes to the server as an event, with or without an answer. What cannot be sent yet waits for the
 * connection, in order; what was sent when the connection went is sent again by the next one if a repeat does no harm,
 * and refused otherwise, because nobody knows whether it was done. C11, G3.
 */

import type { Connection } from './connection.ts'
import { type Deferred, defer } from './deferred.ts'
import type { Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import { type AckFrame, writeArgs, writeRequest } from './frames.ts'

export interface RequestOptions {
  /** Makes it idempotent: the server does it once for this key, and a repeat gets the first answer. */
  key?: string | undefined
  /** How long to wait for the connection and the answer together. Default 5 s, unless the request is durable. */
  timeoutMs?: number | undefined
  /** Gives up waiting; the request may be done all the same. */
  signal?: AbortSignal | undefined
}

export interface Call extends RequestOptions {
  /** Doing it twice is as good as once, even without a key: reading, joining. */
  readonly isRepeatable?: boolean
  /** Called with the answer before anything that follows it in the same message is: a promise would tell it after. */
  readonly onAnswer?: (data: unknown) => void
}

/** Whether the server can be reached: now, once there is a connection, or never, because the client is closed. */
export type Reach = 'now' | 'later' | 'never'

/** C11. */
const REQUEST_TIMEOUT_MS = 5_000
/** Requests that wait for a connection or an answer; one more is refused with QUEUE_FULL. Enough for any burst that a person causes. */
export const MAX_PENDING = 1_000

interface Pending {
  readonly text: string
  readonly bodyBytes: number
  readonly isRepeatable: boolean
  readonly wantsAnswer: boolean
  /** On the connection that is open now. */
  isSent: boolean
  /** On any. */
  wasSent: boolean
  readonly onAnswer: Call['onAnswer']
  readonly settle: Deferred['settle']
}

const utf8 = new TextEncoder()

export class Requests {
  readonly #environment: Environment
  readonly #connection: Connection
  readonly #pending = new Map<number, Pending>()
  #lastId = 0

  constructor(environment: Environment, connection: Connection) {
    this.#environment = environment
    this.#connection = connection
  }

  get reach(): Reach {
    const { status } = this.#connection.state
    return status === 'open' ? 'now' : status === 'closed' ? 'never' : 'later'
  }

  /** Without an answer: that it could not be sent, or was refused, is told to whoever asked to hear of errors. */
  emit(event: string, args: readonly unknown[]): void {
    this.#start(event, args, {}, false).catch(this.#environment.tell)
  }

  /** @returns the answer; rejects with a RoomfulError, or with the signal's reason */
  call(event: string, args: readonly unknown[], call: Call = {}): Promise<unknown> {
    return this.#start(event, args, call, true)
  }

  /** The connection is open: what waits is sent, in order. */
  handleOpen(): void {
    for (const request of [...this.#pending.values()]) if (!request.isSent) this.#send(request)
  }

  /** The connection is gone. */
  handleDown(): void {
    for (const request of [...this.#pending.values()]) {
      if (!request.isSent) continue
      if (request.isRepeatable) request.isSent = false
      else request.settle(new RoomfulError('DISCONNECTED'))
    }
  }

  handleAck({ ack, data, error }: AckFrame): void {
    const request = this.#pending.get(ack as number)
    if (!error) request?.onAnswer?.(data)
    request?.settle(error && RoomfulError.fromWire(error), data)
  }

  /** There will be no connection any more. */
  rejectAll(error: RoomfulError): void {
    for (const request of [...this.#pending.values()]) request.settle(error)
  }

  async #start(event: string, args: readonly unknown[], call: Call, wantsAnswer: boolean): Promise<unknown> {
    const { key, signal, timeoutMs = REQUEST_TIMEOUT_MS } = call
    const { clock } = this.#environment
    if (this.reach === 'never') throw new RoomfulError('CLOSED')
    if (this.#pending.size >= MAX_PENDING) throw new RoomfulError('QUEUE_FULL')
    const id = ++this.#lastId
    const body = writeArgs(args) // throws what JSON.stringify throws: the caller's own mistake
    const timeoutError = (): RoomfulError =>
      request.wasSent
        ? new RoomfulError('TIMEOUT', `No answer to ${event} within ${timeoutMs} ms`)
        : new RoomfulError('NOT_CONNECTED')
    const onSettled = (): void => {
      this.#pending.delete(id)
    }
    const { promise, settle } = defer({ clock, timeoutMs, signal, timeoutError, onSettled })
    const request: Pending = {
      text: writeRequest(event, body, wantsAnswer ? id : undefined, key),
      bodyBytes: byteLength(body),
      isRepeatable: key !== undefined || call.isRepeatable === true,
      onAnswer: call.onAnswer,
      wantsAnswer,
      isSent: false,
      wasSent: false,
      settle,
    }
    this.#pending.set(id, request)
    if (this.reach === 'now') this.#send(request)
    return promise
  }

  #send(request: Pending): void {
    const limit = this.#connection.server.limits.maxMessageBytes
    if (limit !== undefined && request.bodyBytes > limit) {
      return request.settle(new RoomfulError('TOO_LARGE', `The message is too large: at most ${limit} bytes`))
    }
    request.isSent = true
    request.wasSent = true
    this.#connection.send(request.text)
    if (!request.wantsAnswer) request.settle(undefined)
  }
}

/** Bytes of the arguments as the server counts them, without the name of the field that holds them. */
function byteLength(body: string): number {
  return body === '' ? 0 : utf8.encode(body.slice(body.indexOf(':') + 1)).byteLength
}
