/** The class of C2: its shape, its delays, and that it stops. */
import { ReconnectingWebSocket, type ReconnectingWebSocketOptions } from '@roomful/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeSocket } from './support/fake-socket.ts'

const url = 'wss://api.example.com/ws'
const { opened } = FakeSocket

function create(options: ReconnectingWebSocketOptions = {}): ReconnectingWebSocket {
  return new ReconnectingWebSocket(url, { WebSocket: FakeSocket, ...options })
}

beforeEach(() => {
  opened.length = 0
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('[C2] ReconnectingWebSocket', () => {
  it('has the public fields and methods of the document', () => {
    const onopen = (): void => undefined
    const ws = create({ onopen, reconnectInterval: 500, maxRetries: 3 })
    expect(ws).toMatchObject({ url, reconnectInterval: 500, maxRetries: 3, retries: 0, onopen })
    expect(ws.ws).toBe(opened[0])
    expect(create()).toMatchObject({ reconnectInterval: 1_000, maxRetries: 10, jitter: 0, maxInterval: 30_000 })
    for (const method of ['connect', 'send', 'close'] as const) expect(ws[method]).toBeTypeOf('function')
  })

  it('hands on open, messages, errors and closes', () => {
    const seen: unknown[] = []
    const ws = create({
      onopen: () => seen.push('open'),
      onmessage: ({ data }) => seen.push(data),
      onclose: ({ code }) => seen.push(code),
    })
    ws.onerror = () => seen.push('error')
    opened[0]?.open()
    opened[0]?.message('hello')
    opened[0]?.onerror?.({} as never)
    opened[0]?.end(1006)
    expect(seen).toEqual(['open', 'hello', 'error', 1006])
  })

  it('comes back after 1000 · 2ⁿ ms, capped at 30 s, and gives up after maxRetries', () => {
    const ws = create()
    const delays: number[] = []
    for (let n = 0; n < 10; n++) {
      const before = opened.length
      opened.at(-1)?.end(1006)
      const began = Date.now()
      vi.advanceTimersToNextTimer()
      expect(opened).toHaveLength(before + 1)
      delays.push(Date.now() - began)
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000])
    expect(ws.retries).toBe(10)
    opened.at(-1)?.end(1006)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('counts from zero once it is open', () => {
    const ws = create()
    opened[0]?.end(1006)
    vi.advanceTimersByTime(1_000)
    expect(ws.retries).toBe(1)
    opened[1]?.open()
    expect(ws.retries).toBe(0)
  })

  it('makes as much of the wait random as its option says', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.25)
    create({ jitter: 1, reconnectInterval: 1_000 })
    opened[0]?.end(1006)
    vi.advanceTimersByTime(749)
    expect(opened).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(opened).toHaveLength(2)
    vi.restoreAllMocks()
  })

  it('sends when open and drops at any other time', () => {
    const ws = create()
    ws.send('too early')
    opened[0]?.open()
    ws.send('now')
    expect(opened[0]?.sent).toEqual(['now'])
  })

  it('stays closed after close(), also when it waited to come back', () => {
    const ws = create()
    opened[0]?.open()
    ws.close(1000, 'done')
    expect(opened[0]?.closedWith).toEqual([1000, 'done'])
    opened[0]?.end(1000)
    expect(vi.getTimerCount()).toBe(0)

    const other = create()
    opened[1]?.end(1006)
    expect(vi.getTimerCount()).toBe(1)
    other.close()
    expect(vi.getTimerCount()).toBe(0)
    other.connect()
    expect(opened).toHaveLength(3)
  })

  it('connect() replaces the socket; the old one’s end brings no second one', () => {
    const ws = create()
    ws.connect()
    opened[0]?.end(1006)
    expect(opened).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
    expect(ws.ws).toBe(opened[1])
  })
})
