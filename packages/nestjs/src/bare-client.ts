/** A client that does not speak Socket.IO, with what gateways use of a socket. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import type { WsMessageHandler } from '@nestjs/common'
import { type Connection, RoomfulError, type User } from '@roomful/server'
import { openingRequestOf } from '@roomful/server/core'
import type { Namespace } from '@roomful/socket.io'
import type { Observable } from 'rxjs'
import { run } from './bind-socket.ts'

/** As a Socket.IO socket has it. */
export interface BareHandshake {
  readonly headers: IncomingHttpHeaders
  readonly url: string
  readonly query: Readonly<Record<string, string>>
  /** `token`, from the query, the header `Authorization`, or the subprotocol `bearer.<token>`. */
  readonly auth: Readonly<Record<string, string>>
  readonly address: string
  readonly time: string
  readonly issued: number
}

/** What a socket's `to`, `except` and `broadcast` return. */
type Operator = ReturnType<Namespace['except']>

interface Bound extends WsMessageHandler {
  readonly transform: (data: unknown) => Observable<unknown>
}

/** A request that runs. */
interface Running {
  refusal?: RoomfulError
}

/** NestJS's event for what a handler throws. */
const EXCEPTION = 'exception'

export class BareClient {
  /** The connection in Roomful's own server, for what only that can do. */
  readonly connection: Connection
  readonly nsp: Namespace
  readonly handshake: BareHandshake
  /** Rooms in which it is, and its id. */
  readonly rooms = new Set<string>()
  /** Whatever the application likes. */
  data: Record<string, unknown> = {}
  connected = true
  private readonly staysOpen: boolean
  private readonly grant: (roomId: string) => void
  private readonly events = new EventEmitter()
  private readonly handlers = new Map<string, Bound[]>()
  private readonly running = new AsyncLocalStorage<Running>()

  /**
   * @param grant lets it into a room, whatever the rules for clients say
   * @param staysOpen it did not come with one event only
   */
  constructor(connection: Connection, nsp: Namespace, grant: (roomId: string) => void, staysOpen: boolean) {
    this.grant = grant
    this.staysOpen = staysOpen
    this.connection = connection
    this.nsp = nsp
    this.handshake = handshakeOf(connection)
    this.rooms.add(connection.id)
  }

  get id(): string {
    return this.connection.id
  }

  /** Who it is, as of its token. */
  get user(): User {
    return this.connection.user
  }

  get disconnected(): boolean {
    return !this.connected
  }

  /** Sends an event to this client alone. An `exception` of a request refuses that request. */
  emit(event: string, ...args: unknown[]): boolean {
    const running = event === EXCEPTION ? this.running.getStore() : undefined
    if (running) running.refusal = refusalOf(args[0])
    else this.connection.emit(event, ...args)
    return true
  }

  /** Asks it, and waits for its answer. */
  emitWithAck(event: string, ...args: unknown[]): Promise<unknown> {
    return this.connection.call(event, ...args)
  }

  send(...args: unknown[]): this {
    this.emit('message', ...args)
    return this
  }

  /** Without this client, but for durable events, which every client of this kind is sent with their numbers. */
  to(room: string | string[]): Operator {
    return this.broadcast.to(room)
  }

  in(room: string | string[]): Operator {
    return this.to(room)
  }

  except(room: string | string[]): Operator {
    return this.broadcast.except(room)
  }

  /** Everyone but this client. */
  get broadcast(): Operator {
    return this.nsp.except(this.id)
  }

  /**
   * Does nothing for a client that is gone, as with Socket.IO, nor for one that only sends one event by `POST`.
   * @throws RoomfulError (rejects) ROOM_FULL, TOO_MANY_ROOMS, ROOM_NAME_INVALID, UNAVAILABLE
   */
  async join(rooms: string | readonly string[]): Promise<void> {
    for (const room of typeof rooms === 'string' ? [rooms] : rooms) {
      if (!this.connected || !this.staysOpen) return
      this.grant(room)
      await this.connection.join(room).catch((error: unknown) => {
        if (!(error instanceof RoomfulError && error.code === 'DISCONNECTED')) throw error
      })
    }
  }

  async leave(room: string): Promise<void> {
    await this.connection.leave(room)
  }

  disconnect(_close?: boolean): this {
    if (this.connected) void this.nsp.server.roomful.get(this.nsp.name).disconnect(this.id)
    return this
  }

  /** `disconnect`. */
  on(event: string, listener: (...args: unknown[]) => void): this {
    this.events.on(event, listener)
    return this
  }

  once(event: string, listener: (...args: unknown[]) => void): this {
    this.events.once(event, listener)
    return this
  }

  off(event: string, listener: (...args: unknown[]) => void): this {
    this.events.off(event, listener)
    return this
  }

  /** @internal from the adapter, once for each gateway */
  bind(handlers: readonly WsMessageHandler[], transform: Bound['transform']): void {
    for (const handler of handlers) {
      const bound = this.handlers.get(handler.message) ?? []
      bound.push({ ...handler, transform })
      this.handlers.set(handler.message, bound)
    }
  }

  /**
   * @internal runs the handlers of a request
   * @returns the first answer, once what it emitted before is stored
   * @throws RoomfulError UNKNOWN_EVENT without a handler, and what the filters of the gateway make of an error
   */
  async handle(event: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    const bound = this.handlers.get(event)
    if (!bound) throw new RoomfulError('UNKNOWN_EVENT', `There is no event ${JSON.stringify(event)} here`)
    const running: Running = {}
    const answer = await this.nsp.stored(() =>
      this.running.run(running, async () => {
        const answers = await Promise.all(bound.map((each) => this.answerOf(each, args, signal)))
        return answers.find((each) => each !== undefined)
      }),
    )
    if (running.refusal) throw running.refusal
    return answer
  }

  /** @internal */
  closed(reason: string): void {
    this.connected = false
    this.rooms.clear()
    this.events.emit('disconnect', reason)
  }

  /** @returns (resolves) when it has answered, has sent its first event, or has ended */
  private answerOf(
    { callback, isAckHandledManually, transform }: Bound,
    args: readonly unknown[],
    signal: AbortSignal,
  ): Promise<unknown> {
    const data = args.length > 1 ? args : args[0]
    return new Promise((resolve) => {
      // Later ones have nothing to answer, so they go on until the client is gone.
      const subscription = run(() => callback(data, resolve), transform, {
        onEvent: (event, value) => {
          if (this.connected) this.connection.emit(event, value)
          if (isAckHandledManually !== true) resolve(undefined)
        },
        onAnswer: (answer) => {
          if (isAckHandledManually !== true) resolve(answer)
        },
        onEnd: () => {
          if (isAckHandledManually !== true) resolve(undefined)
        },
      })
      signal.addEventListener('abort', () => resolve(undefined), { once: true })
      this.events.once('disconnect', () => subscription?.unsubscribe())
    })
  }
}

function refusalOf(payload: unknown): RoomfulError {
  const {
    message,
    code = 'EXCEPTION',
    ...details
  } = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : { message: payload }
  const sentence = typeof message === 'string' ? message : JSON.stringify(message ?? payload)
  return new RoomfulError(String(code), sentence, { details: withoutStatus(details) })
}

/** Roomful's own refusals have a `status` of their own, and NestJS's `cause` repeats what the client sent. */
function withoutStatus({ status: _, cause: __, ...details }: Record<string, unknown>): Record<string, unknown> {
  return details
}

function handshakeOf(connection: Connection): BareHandshake {
  const { url = '/', headers = {} } = openingRequestOf(connection) ?? {}
  const query = Object.fromEntries(new URL(url, 'http://localhost').searchParams)
  const bearer = /^Bearer (.+)$/i.exec(String(headers.authorization ?? ''))?.[1]
  const offered = /(?:^|[\s,])bearer\.([^\s,]+)/.exec(String(headers['sec-websocket-protocol'] ?? ''))?.[1]
  const token = query.token ?? bearer ?? offered
  return {
    headers,
    url,
    query,
    auth: token === undefined ? {} : { token },
    address: connection.ip,
    time: `${new Date(connection.openedAt)}`,
    issued: connection.openedAt,
  }
}
