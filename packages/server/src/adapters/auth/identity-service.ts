/**
 * Asks a backend over HTTP who a client is, for a server without code. The request is signed as Standard Webhooks are
 * (https://www.standardwebhooks.com), so that libraries of many languages can check it. D19.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Clock } from '../../core/ports/system.ts'
import type { Authenticate, GivenUser, KeepingAuthenticate } from './own-identity.ts'

/** Where the backend is. */
export interface IdentityServiceOptions {
  readonly url: string
  /** Signs every request. */
  readonly secret: string
  readonly clock: Clock
}

const TIMEOUT_MS = 3_000
/** A known user is not asked for again within this time, unless the answer says another one. */
const CACHE_MS = 10_000
const CACHE_MAX_MS = 300_000
/** Answers that are kept; the oldest one goes first. */
const CACHE_MAX = 10_000
const ANSWER_MAX_BYTES = 64 * 1024
/** What of a request may say who sent it, besides its URL. */
const HEADERS = ['authorization', 'cookie', 'user-agent', 'accept-language', 'origin'] as const

interface Answer {
  readonly user: GivenUser
  readonly until: number
}

/** @returns a function that asks the backend, with a cache; requests of one client at the same time share a call */
export function askIdentityService({ url, secret, clock }: IdentityServiceOptions): KeepingAuthenticate {
  const cache = new Map<string, Answer>()
  const underWay = new Map<string, Promise<GivenUser | undefined>>()
  /** How often something was forgotten: an answer to an earlier question is not kept. */
  let forgotten = 0

  const ask = async (body: string, key: string): Promise<GivenUser | undefined> => {
    const before = forgotten
    const { status, text } = await post(url, body, sign(secret, body, clock.now()))
    if (status === 204 || status === 404) return undefined
    if (status === 401 || status === 403) throw refusalOf(status, text)
    if (status !== 200) throw new Error(`The identity service answered ${status}`)
    const { user, expiresAt, cacheMs = CACHE_MS } = JSON.parse(text) as Record<string, unknown> & { user?: GivenUser }
    if (typeof user !== 'object' || user === null) throw new Error('The identity service answered without a user')
    const given = typeof expiresAt === 'number' ? { ...user, expiresAt } : user
    const forMs = Math.min(CACHE_MAX_MS, Math.max(0, Number(cacheMs)))
    cache.delete(key)
    if (forMs > 0 && before === forgotten) cache.set(key, { user: given, until: clock.monotonic() + forMs })
    if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value as string)
    return given
  }

  const authenticate: Authenticate = async (request, { token, name }) => {
    const headers = Object.fromEntries(
      HEADERS.flatMap((each) => (each in request.headers ? [[each, request.headers[each]]] : [])),
    )
    const body = JSON.stringify({ url: request.url, ip: request.ip, headers, token, name })
    const { 'user-agent': _, ...telling } = headers
    const key = createHash('sha256')
      .update(JSON.stringify([request.ip, telling, token, name, proofIn(request.url)]))
      .digest('base64')
    const kept = cache.get(key)
    if (kept && kept.until > clock.monotonic()) return kept.user
    const asking =
      underWay.get(key) ?? ask(body, key).finally(() => underWay.get(key) === asking && underWay.delete(key))
    underWay.set(key, asking)
    return asking
  }
  return Object.assign(authenticate, {
    forget(userId: string) {
      forgotten++
      underWay.clear() // who comes from now on is asked for once more
      for (const [key, { user }] of cache) if (user.sub === userId) cache.delete(key)
    },
  })
}

/** The part of a URL that may say who a client is; its rooms and cursors change from request to request. */
function proofIn(url: string): string {
  return url.includes('?') ? url.slice(url.indexOf('?')) : ''
}

function sign(secret: string, body: string, nowMs: number): Record<string, string> {
  const id = `msg_${randomUUID()}`
  const timestamp = String(Math.floor(nowMs / 1000))
  // Standard Webhooks writes secrets as `whsec_` and base64; any other text is taken as it is.
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : secret
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}

async function post(
  url: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > ANSWER_MAX_BYTES) throw new Error('The answer of the identity service is too large')
    chunks.push(chunk)
  }
  return { status: response.status, text: Buffer.concat(chunks).toString() }
}

/** The sentence of the backend, for the client to read, or a plain one. */
function refusalOf(status: number, text: string): RoomfulError {
  const code = status === 401 ? 'TOKEN_INVALID' : 'FORBIDDEN'
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string' && message !== '') return new RoomfulError(code, message.slice(0, 256))
  } catch {
    // not JSON
  }
  return new RoomfulError(code, status === 401 ? 'Authentication failed: you are not known' : 'You may not connect')
}
