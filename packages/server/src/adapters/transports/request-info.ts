/** What a request says about its client: credentials, subprotocols, and the address behind trusted proxies. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, SocketAddress } from 'node:net'
import { BEARER_SUBPROTOCOL_PREFIX, type Credentials } from '@roomful/protocol'
import { isLoopback } from '../../core/base/limits.ts'
import type { ClientRequest } from '../../core/ports/users.ts'

/** Which proxies are trusted: none, a number of hops, or addresses and CIDR ranges. */
export type TrustProxy = 'off' | number | readonly string[]

/** More hops than any chain of proxies has. */
const CHAIN_MAX = 32

/** Headers by which a proxy names its client. */
const FORWARDED_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip']
/** Where an own proxy runs, if not on this machine: containers, private networks. */
const PRIVATE_RANGES = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7', 'fe80::/10']
const isPrivate = inRanges(PRIVATE_RANGES)

/**
 * @param onUnknownProxy called once, with the address of what seems to be an own proxy that is not trusted
 * @returns a function that reads the address of a request's client, in one normal form
 */
export function addressReader(
  trust: TrustProxy,
  onUnknownProxy?: (address: string) => void,
): (request: IncomingMessage) => string {
  const isTrusted = typeof trust === 'number' ? (_: string, hop: number) => hop < trust : inRanges(listOf(trust))
  let notify = onUnknownProxy
  return ({ socket, headers }) => {
    const remote = normalAddress(socket.remoteAddress) ?? 'unknown'
    if (notify && FORWARDED_HEADERS.some((name) => name in headers) && !isTrusted(remote, 0) && isNear(remote)) {
      notify(remote)
      notify = undefined
    }
    if (trust === 'off') return remote
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
    let client = remote
    for (let hop = 0; hop < CHAIN_MAX && isTrusted(client, hop); hop++) {
      // From the right: each proxy appends the address of its client.
      const before = normalAddress(forwarded.at(-1 - hop)?.trim())
      if (before === undefined) break
      client = before
    }
    return client
  }
}

const listOf = (trust: TrustProxy): readonly string[] => (typeof trust === 'object' ? trust : [])

function isNear(address: string): boolean {
  return isLoopback(address) || isPrivate(address)
}

function inRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * @param written an address as proxies write it, possibly with a port or in brackets
 * @returns IPv4 with dots, also when it is mapped into IPv6; IPv6 in its short form without a zone; else undefined
 */
export function normalAddress(written: string | undefined): string | undefined {
  if (written === undefined) return undefined
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(written)?.[1] ?? /^([\d.]+):\d+$/.exec(written)?.[1] ?? written
  const version = isIP(bare)
  if (version !== 6) return version === 4 ? bare : undefined
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' })
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/** What an authenticator of the application may read. The headers are the request's own. */
export function clientRequest({ url = '/', headers }: IncomingMessage, ip: string): ClientRequest {
  return { url, headers, ip }
}

/** Reads credentials from the URL, the `Authorization` header, or the subprotocols. */
export function credentialsOf(request: IncomingMessage): Credentials {
  const { url = '/' } = request
  const start = url.indexOf('?')
  const credentials: Credentials = {}
  const bearer = bearerOf(request)
  if (start < 0) return bearer === undefined ? credentials : { token: bearer }
  const query = new URLSearchParams(url.slice(start))
  const token = query.get('token') ?? bearer
  if (token !== undefined && token !== null) credentials.token = token
  const ticket = query.get('ticket')
  if (ticket !== null) credentials.ticket = ticket
  const name = query.get('name')
  if (name !== null) credentials.name = name
  return credentials
}

function bearerOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined && /^bearer\b/i.test(authorization)) return authorization.slice(6).trim()
  return subprotocolValue(request, BEARER_SUBPROTOCOL_PREFIX)
}

/** The subprotocols that a WebSocket client offers, in its order. */
export function offeredSubprotocols({ headers }: IncomingMessage): string[] {
  const field = headers['sec-websocket-protocol']
  return field === undefined
    ? []
    : String(field)
        .split(',')
        .map((each) => each.trim())
}

/** A value that a client sends as a subprotocol, because access logs do not show those. */
export function subprotocolValue(request: IncomingMessage, prefix: string): string | undefined {
  const carried = offeredSubprotocols(request).find((each) => each.startsWith(prefix))
  return carried?.slice(prefix.length)
}
