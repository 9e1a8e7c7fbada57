/**
 * What is checked and read of every HTTP request before its route is known: the request line, the Host header, the path,
 * and `Expect: 100-continue`. RFC 9112, RFC 9110.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface BadRequest {
  readonly status: 400 | 505
  readonly message: string
}

/**
 * Node passes on requests of every version and with several `Host` lines, of which it shows the first; a proxy in front
 * may have gone by the last.
 * @returns nothing for a request in good form
 */
export function findBadRequest({ httpVersion, rawHeaders }: IncomingMessage): BadRequest | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return { status: 505, message: 'Write the request as HTTP/1.1' }
  }
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts > 1 ? { status: 400, message: 'A request has one Host header' } : undefined
}

/**
 * @param url as the request line has it: a path, or with scheme and host, as proxies are asked
 * @param basePath such as `/realtime`, or nothing
 * @returns path and query below the base path; undefined for what is not below it
 */
export function urlBelow(basePath: string, url: string): string | undefined {
  const path = url.startsWith('/') ? url : (/^https?:\/\/[^/?]*(.*)$/i.exec(url)?.[1] ?? url)
  if (basePath === '') return path
  if (!path.startsWith(basePath)) return undefined
  const rest = path.slice(basePath.length)
  if (rest.startsWith('/')) return rest
  return rest === '' || rest.startsWith('?') ? `/${rest}` : undefined
}

/** The path without the query and without a slash at the end. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const end = url.indexOf('?')
  const path = end < 0 ? url : url.slice(0, end)
  return /[^/]\/$/.test(path) ? path.slice(0, -1) : path
}

/**
 * Requests whose client sent `Expect: 100-continue` and has not sent its body yet. A request that is refused before its
 * body is read costs only its head. Node answers 100 by itself unless a server listens for `checkContinue`.
 */
const waiting = new WeakMap<IncomingMessage, ServerResponse>()

/** The body of this request comes once {@link sendContinue} asks for it. */
export function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response)
}

/** Called by each reader of a body, before it reads. */
export function sendContinue(request: IncomingMessage): void {
  const response = waiting.get(request)
  if (!response) return
  waiting.delete(request)
  response.writeContinue()
}

/** Whether the body is announced as larger than this, and has not been sent: it need not be read to be refused. */
export function isRefusableUnread(request: IncomingMessage, maxBytes: number): boolean {
  return waiting.has(request) && Number(request.headers['content-length'] ?? 0) > maxBytes
}
