/** What is loaded when a WebSocket does not get through: the choice among all ways, and v1 over HTTP. PROTOCOL.md 17, C17. */
import { RoomfulError } from '../../errors.ts'
import type { OpenTransport, TransportName } from '../transport.ts'
import { HttpLink, type HttpLinkOptions } from './http-link.ts'
import { WayMemory } from './memory.ts'
import { firstThatWorks, type Way, type WaysOptions } from './ways.ts'

export interface FallbackOptions
  extends Omit<WaysOptions, 'memory'>,
    Omit<HttpLinkOptions, 'url' | 'search' | 'fetch' | 'openWebSocket' | 'onWebSocketTried'> {
  readonly transports: readonly TransportName[]
  /** Of the WebSocket. */
  readonly endpoint: string
  readonly memoryKey: string
  readonly storage: ConstructorParameters<typeof WayMemory>[2]
  readonly fetch?: typeof fetch
  readonly openWebSocket: (more?: readonly string[]) => OpenTransport
  /** Where a refusal goes that no call waits for. */
  readonly tell: (error: RoomfulError) => void
}

/** WebSockets in a row that did not get through while HTTP did, besides the first: one may have met a restart. */
const FAILURES_TOLD = 2

export function anyWay(options: FallbackOptions): OpenTransport {
  const { transports, endpoint, memoryKey, clock, storage, openWebSocket } = options
  const { origin, pathname, search } = new URL(endpoint.replace('ws', 'http'))
  const url = `${origin}${pathname.replace(/\/ws(\/.*)?$/, '/link/')}`
  let failures = 0
  let isTold = false
  const onWebSocketTried = (gotThrough: boolean): void => {
    failures = gotThrough ? 0 : failures + 1
    if (failures < FAILURES_TOLD || isTold) return
    isTold = true
    const sentence = `No WebSocket gets through to ${endpoint.replace(/\?.*/, '')}; the connection stays on HTTP`
    options.tell(new RoomfulError('WEBSOCKET_BLOCKED', sentence))
  }
  const http = (name: 'sse' | 'poll'): OpenTransport => {
    const place = transports.indexOf(name)
    const isSecondBest = transports.slice(0, place).includes('websocket')
    const linkOptions = {
      ...{ ...options, fetch: options.fetch ?? fetch, url, search, onWebSocketTried },
      openWebSocket: isSecondBest ? (subprotocol: string) => openWebSocket([subprotocol]) : undefined,
    }
    return (handlers) => new HttpLink(name, linkOptions, handlers)
  }
  const ways = transports.map(
    (name): Way => ({ name, open: () => (name === 'websocket' ? openWebSocket() : http(name)) }),
  )
  return firstThatWorks(ways, { ...options, memory: new WayMemory(memoryKey, clock, storage) })
}
