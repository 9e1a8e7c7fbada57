/** What a request line and its headers have to be before anyone looks at what they ask for, and the path in them. RFC 9112. */
import type { IncomingMessage } from 'node:http'

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
