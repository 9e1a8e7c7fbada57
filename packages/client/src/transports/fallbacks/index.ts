/** What is loaded when a WebSocket does not get through: the choice among all ways, and v1 over HTTP. PROTOCOL.md 17, C17. */
import type { OpenTransport, TransportName } from '../transport.ts'
import { HttpLink, type HttpLinkOptions } from './http-link.ts'
import { WayMemory } from './memory.ts'
import { firstThatWorks, type Way, type WaysOptions } from './ways.ts'

export interface FallbackOptions
  extends Omit<WaysOptions, 'memory'>,
    Omit<HttpLinkOptions, 'url' | 'search' | 'fetch' | 'openWebSocket'> {
  readonly transports: readonly TransportName[]
  /** Of the WebSocket. */
  readonly endpoint: string
  readonly memoryKey: string
  readonly storage: ConstructorParameters<typeof WayMemory>[2]
  readonly fetch?: typeof fetch
  readonly openWebSocket: (more?: readonly string[]) => OpenTransport
}

export function anyWay(options: FallbackOptions): OpenTransport {
  const { transports, endpoint, memoryKey, clock, storage, openWebSocket } = options
  const { origin, pathname, search } = new URL(endpoint.replace('ws', 'http'))
  const url = `${origin}${pathname.replace(/\/ws(\/.*)?$/, '/link/')}`
  const http = (name: 'sse' | 'poll'): OpenTransport => {
    const place = transports.indexOf(name)
    const isSecondBest = transports.slice(0, place).includes('websocket')
    const linkOptions = {
      ...{ ...options, fetch: options.fetch ?? fetch, url, search },
      openWebSocket: isSecondBest ? (subprotocol: string) => openWebSocket([subprotocol]) : undefined,
    }
    return (handlers) => new HttpLink(name, linkOptions, handlers)
  }
  const ways = transports.map(
    (name): Way => ({ name, open: () => (name === 'websocket' ? openWebSocket() : http(name)) }),
  )
  return firstThatWorks(ways, { ...options, memory: new WayMemory(memoryKey, clock, storage) })
}
