/**
 * Sends a webhook: signed as Standard Webhooks are (https://www.standardwebhooks.com), to an address that may be reached, and
 * within a time. A redirect is not followed, since it could lead to an address that only this server reaches.
 */
import { createHmac } from 'node:crypto'
import { lookup } from 'node:dns'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** Where webhooks go. */
export interface WebhookTarget {
  readonly url: URL
  /** Keys to sign with, the current one first. */
  readonly keys: readonly Uint8Array[]
  /** Whether addresses of private networks may be reached. */
  readonly isPrivateAllowed: boolean
}

/** What became of a delivery. */
export type Outcome =
  | { readonly isTaken: true }
  | {
      readonly isTaken: false
      /** For the operator to read. */
      readonly reason: string
      /** The receiver says that what it was sent is not valid: another time changes nothing. */
      readonly isRefused: boolean
      /** When the receiver wants to be asked again. */
      readonly retryAfterMs: number | undefined
    }

const TIMEOUT_MS = 15_000
/** Of an answer, whose text does not matter. */
const ANSWER_MAX_BYTES = 64 * 1024
const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/
const KEY_MIN_BYTES = 24
const KEY_MAX_BYTES = 64
const REFUSED = new Set([400, 413, 422])

const NEVER = new BlockList()
NEVER.addSubnet('0.0.0.0', 8)
NEVER.addSubnet('169.254.0.0', 16) // link-local, where clouds answer with credentials
NEVER.addSubnet('224.0.0.0', 3) // multicast and reserved
NEVER.addAddress('::', 'ipv6')
NEVER.addSubnet('fe80::', 10, 'ipv6')
NEVER.addSubnet('ff00::', 8, 'ipv6')
NEVER.addAddress('fd00:ec2::254', 'ipv6')

const PRIVATE = new BlockList()
PRIVATE.addSubnet('10.0.0.0', 8)
PRIVATE.addSubnet('100.64.0.0', 10)
PRIVATE.addSubnet('127.0.0.0', 8)
PRIVATE.addSubnet('172.16.0.0', 12)
PRIVATE.addSubnet('192.168.0.0', 16)
PRIVATE.addAddress('::1', 'ipv6')
PRIVATE.addSubnet('fc00::', 7, 'ipv6')

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** @returns the keys of a secret, or nothing when libraries of Standard Webhooks could not read one of them */
export function readKeys(secret: string): readonly Uint8Array[] | undefined {
  const keys = secret
    .split(/\s+/)
    .filter(Boolean)
    .map((each) => Buffer.from(SECRET.exec(each)?.[1] ?? '', 'base64'))
  return keys.length > 0 && keys.every(({ length }) => length >= KEY_MIN_BYTES && length <= KEY_MAX_BYTES)
    ? keys
    : undefined
}

/** The headers by which a receiver knows that it is this server, and not someone who recorded an earlier request. */
export function sign({ keys }: WebhookTarget, id: string, body: Uint8Array, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1_000))
  const before = `${id}.${timestamp}.`
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(before).update(body).digest('base64')}`)
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

/** Never rejects. @param signal ends it, as a failure */
export function post(
  target: WebhookTarget,
  body: Uint8Array,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Outcome> {
  const { url } = target
  return new Promise((resolve) => {
    const fail = (reason: string, more: { isRefused?: boolean; retryAfterMs?: number | undefined } = {}): void =>
      resolve({ isTaken: false, reason, isRefused: false, retryAfterMs: undefined, ...more })
    const literal = url.hostname.replace(/^\[|\]$/g, '')
    const flaw = isIP(literal) === 0 ? undefined : flawOf(literal, target)
    if (flaw !== undefined) return fail(flaw)
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const request = send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': body.byteLength, 'user-agent': 'Roomful', ...headers }, // biome-ignore format: one value
      lookup: checkedLookup(target),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    })
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isLate = error.name === 'AbortError' || error.name === 'TimeoutError'
      fail(isLate ? `did not answer within ${TIMEOUT_MS / 1_000} s` : error.message || String(error.code))
    })
    request.on('response', (response) => {
      const { statusCode: status = 0 } = response
      let bytes = 0
      // The status is the answer. What follows it is read so that the connection can be used again, within bounds.
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_MAX_BYTES) response.destroy()
      })
      response.on('error', () => undefined)
      if (status >= 200 && status < 300) return resolve({ isTaken: true })
      if (status >= 300 && status < 400) return fail(`answered with a redirect (${status}), which is not followed`)
      fail(`answered ${status}`, {
        isRefused: REFUSED.has(status),
        retryAfterMs: retryAfterOf(response.headers['retry-after']),
      })
    })
    request.end(body)
  })
}

/** Looks an address up once, and connects to what was checked: a second look could answer with another one. */
function checkedLookup(target: WebhookTarget): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const flaw = addresses.map(({ address }) => flawOf(address, target)).find((each) => each !== undefined)
      const [first] = addresses
      if (flaw !== undefined || !first) return callback(new Error(flaw ?? 'has no address'), '', 0)
      if (options.all) return callback(null, addresses)
      callback(null, first.address, first.family)
    })
  }
}

/** @returns why this address may not be reached */
function flawOf(given: string, { url, isPrivateAllowed }: WebhookTarget): string | undefined {
  const address = given.replace(/^::ffff:(?=\d+\.)/i, '')
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
  if (NEVER.check(address, family)) return `is at ${address}, an address that is never sent to`
  if (isPrivateAllowed || LOOPBACK.test(url.hostname) || !PRIVATE.check(address, family)) return undefined
  return `is at ${address}, an address of a private network; if it is yours, set ROOMFUL_WEBHOOK_PRIVATE=on`
}

function retryAfterOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : undefined
}
