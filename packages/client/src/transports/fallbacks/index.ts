/** Loaded when a WebSocket does not work: the choice among all transports, and v1 over HTTP. PROTOCOL.md 17, C17. */
import type { TextStorage } from '../../environment.ts'
import { RoomfulError } from '../../errors.ts'
import type { OpenTransport, TransportName } from '../transport.ts'
import { HttpLink, type HttpLinkOptions } from './http-link.ts'
import { type Candidate, type SelectOptions, selectTransport, TransportMemory } from './select-transport.ts'

export interface FallbackOptions
  extends Omit<SelectOptions, 'memory'>,
    Omit<HttpLinkOptions, 'url' | 'search' | 'fetch' | 'openWebSocket' | 'onWebSocketTried'> {
  readonly transports: readonly TransportName[]
  /** Of the WebSocket. */
  readonly endpoint: string
  readonly memoryKey: string
  readonly storage: TextStorage | undefined
  /** Default: the global one. */
  readonly fetch: typeof fetch | undefined
  readonly openWebSocket: (more?: readonly string[]) => OpenTransport
  /** Reports what no call waits for. */
  readonly onError: (error: RoomfulError) => void
}

/** Failed upgrades in a row after which WebSockets count as blocked: a single one may have met a restart. */
const REPORTED_FAILURES = 2

export function openFallback(options: FallbackOptions): OpenTransport {
  const { transports, endpoint, memoryKey, clock, storage, openWebSocket } = options
  const { origin, pathname, search } = new URL(endpoint.replace('ws', 'http'))
  const url = `${origin}${pathname.replace(/\/ws(\/.*)?$/, '/link/')}`
  let failures = 0
  let isReported = false
  const onWebSocketTried = (worked: boolean): void => {
    failures = worked ? 0 : failures + 1
    if (failures < REPORTED_FAILURES || isReported) return
    isReported = true
    const sentence = `No WebSocket gets through to ${endpoint.replace(/\?.*/, '')}; the connection stays on HTTP`
    options.onError(new RoomfulError('WEBSOCKET_BLOCKED', sentence))
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
  const candidates = transports.map(
    (name): Candidate => ({ name, open: () => (name === 'websocket' ? openWebSocket() : http(name)) }),
  )
  return selectTransport(candidates, { ...options, memory: new TransportMemory(memoryKey, clock, storage) })
}
