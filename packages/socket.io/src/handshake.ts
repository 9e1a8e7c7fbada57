/**
 * `socket.handshake`. Its parts are made when they are first read, since most applications read only `auth`. They are properties
 * of the object itself, so that it can be copied, listed and sent like the plain object that it is with Socket.IO.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { inspect } from 'node:util'
import type { Client } from './client.ts'
import type { EngineRequest } from './engine/server.ts'
import type { Handshake } from './socket-types.ts'

type Part = keyof Handshake

/** In the order of Socket.IO. */
const PARTS: readonly Part[] = ['headers', 'time', 'address', 'xdomain', 'secure', 'issued', 'url', 'query', 'auth']

export class LazyHandshake implements Handshake {
  declare headers: IncomingHttpHeaders
  declare time: string
  declare address: string
  declare xdomain: boolean
  declare secure: boolean
  declare issued: number
  declare url: string
  declare query: Handshake['query']
  declare auth: Handshake['auth']

  /** All objects have the same functions, so that a property takes no memory of its own. */
  static readonly #descriptors = Object.fromEntries(
    PARTS.map((part) => [
      part,
      {
        configurable: true,
        enumerable: true,
        get(this: LazyHandshake) {
          return this.#read(part)
        },
        set(this: LazyHandshake, value: unknown) {
          this.#made = { ...this.#made, [part]: value }
        },
      },
    ]),
  )

  readonly #client: Client
  readonly #auth: Record<string, unknown>
  readonly #issued = Date.now()
  /** What was read or replaced. */
  #made: Partial<Record<Part, unknown>> | undefined

  constructor(client: Client, auth: Record<string, unknown>) {
    this.#client = client
    this.#auth = auth
    Object.defineProperties(this, LazyHandshake.#descriptors)
    // The application may have replaced or removed the request, and may do so again.
    if (client.session.facade)
      for (const part of PARTS) this.#keep(part, this.#make(part, client.request as EngineRequest))
  }

  [inspect.custom](): object {
    return { ...this }
  }

  #read(part: Part): unknown {
    if (part === 'auth' && this.#made?.auth === undefined) return this.#auth
    if (this.#made && part in this.#made) return this.#made[part]
    return this.#keep(part, this.#make(part, this.#client.session.seenRequest))
  }

  #keep(part: Part, value: unknown): unknown {
    if (typeof value === 'object' || this.#client.session.facade) this.#made = { ...this.#made, [part]: value }
    return value
  }

  #make(part: Part, request: EngineRequest | undefined): unknown {
    switch (part) {
      case 'headers':
        return request?.headers ?? {}
      case 'time':
        return `${new Date(this.#issued)}`
      case 'address':
        return this.#client.session.remoteAddress
      case 'xdomain':
        return request?.headers.origin !== undefined
      case 'secure':
        return !request || isEncrypted(request)
      case 'issued':
        return this.#issued
      case 'url':
        return request?.url
      case 'query':
        return request?._query ?? {}
      default:
        return this.#auth
    }
  }
}

function isEncrypted({ socket }: IncomingMessage): boolean {
  return (socket as TLSSocket).encrypted === true
}
