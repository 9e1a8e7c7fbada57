/**
 * What is checked and read of every HTTP request before its route is known: the request line, the Host header, the path,
 * and `Expect: 100-continue`. RFC 9112, RFC 9110.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Why a request is refused before its route is known. */
export interface BadRequest {
  readonly status: 400 | 505
  readonly message: string
}

/**
 * Node accepts every HTTP version and several `Host` headers, and shows the first one. A proxy in front may have used the
 * last one, so such requests are refused.
 * @returns undefined for a valid request
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
 * @param basePath such as `/realtime`, or empty
 * @param url as in the request line: a path, or with scheme and host, as proxies receive it
 * @returns path and query below the base path; undefined for a URL that is not below it
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

/** The client sends the body of this request after {@link sendContinue}. */
export function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response)
}

/** Asks for the body, if the client waits for that. Everything that reads a body calls it first. */
export function sendContinue(request: IncomingMessage): void {
  const response = waiting.get(request)
  if (!response) return
  waiting.delete(request)
  response.writeContinue()
}

/** Whether the body is announced as larger than this and was not sent yet, so it can be refused without reading it. */
export function isRefusableUnread(request: IncomingMessage, maxBytes: number): boolean {
  return waiting.has(request) && Number(request.headers['content-length'] ?? 0) > maxBytes
}
