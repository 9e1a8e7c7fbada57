/** The HTTP server below Roomful: limits, address, and a check of the one that an application gives. */
import { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Server as TlsServer } from 'node:tls'

/**
 * Limits of Node's HTTP server against slow and endless requests, in milliseconds and bytes. Roomful's own server has them;
 * give them to a server that Roomful is attached to.
 * @example const server = createServer(SERVER_LIMITS, app)
 */
export const SERVER_LIMITS = {
  maxHeaderSize: 16_384,
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  /** With Node's default of 30 s, headers could take 40 s. */
  connectionsCheckingInterval: 1_000,
}

/** Checks what `attach` is given: an application of Express, Connect, Koa or Hono is easily taken for a server. */
export function checkIsServer(server: unknown): asserts server is Server {
  if (server instanceof Server) return
  if (isEmitter(server) && 'updateSettings' in server) {
    throw new TypeError(
      'attach() needs an HTTP/1.1 server, but was given an HTTP/2 one, over which a WebSocket cannot be opened. ' +
        'Create it with createServer of node:http or node:https, and leave HTTP/2 to a proxy in front: browsers then ' +
        'speak it with the proxy.',
    )
  }
  if (isEmitter(server) && 'listening' in server) return
  const what = typeof server === 'function' ? 'an application (a function)' : `${typeof server}`
  throw new TypeError(
    `attach() needs the HTTP server, but was given ${what}. ` +
      'Create the server first and give it to both: const server = createServer(app); roomful.attach(server); server.listen(8080) — ' +
      'and call server.listen, not app.listen, which would make another server.',
  )
}

function isEmitter(value: unknown): value is { on: unknown; listening?: unknown } {
  return typeof value === 'object' && value !== null && 'on' in value
}

/** The URL of a server that listens on this address, for browsers on the same machine. */
export function serverUrl(host: string, port: number, isSecure: boolean): string {
  const name = host === '0.0.0.0' || host === '::' || host === '127.0.0.1' ? 'localhost' : host
  return `${isSecure ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`
}

/**
 * Where other machines reach a server: on its own address, or on the first one of this machine when it listens on all.
 * @returns undefined for what listens on a socket file
 */
export function reachableUrl(server: Server): string | undefined {
  const address = server.address()
  if (typeof address !== 'object' || address === null) return undefined
  return urlToReach(address, server instanceof TlsServer)
}

export function urlToReach({ address, port }: Pick<AddressInfo, 'address' | 'port'>, isSecure: boolean): string {
  const isEverywhere = address === '0.0.0.0' || address === '::'
  const host = isEverywhere ? (ownAddress() ?? '127.0.0.1') : address
  return `${isSecure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses)
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}
