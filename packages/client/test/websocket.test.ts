/** The WebSocket transport: where it connects, what it offers, how it ends. */
import { connect } from '@roomful/client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { webSocketTransport, webSocketUrl } from '../src/transports/websocket.ts'
import { FakeSocket } from './support/fake-socket.ts'

const { opened } = FakeSocket

beforeEach(() => {
  opened.length = 0
})
afterEach(() => vi.unstubAllGlobals())

describe('the endpoint', () => {
  for (const [url, endpoint] of [
    ['http://localhost:8080', 'ws://localhost:8080/ws'],
    ['https://example.org/', 'wss://example.org/ws'],
    ['https://example.org/realtime/', 'wss://example.org/realtime/ws'],
    ['wss://example.org/ws', 'wss://example.org/ws'],
    ['ws://example.org/ws/chat?a=1#top', 'ws://example.org/ws/chat?a=1'],
  ] as const) {
    it(`of ${url} is ${endpoint}`, () => expect(webSocketUrl(url)).toBe(endpoint))
  }

  it('may be relative to the page', () => {
    vi.stubGlobal('location', { href: 'https://example.org/app/page.html' })
    expect(webSocketUrl('/')).toBe('wss://example.org/ws')
  })

  it('must be a URL', () => expect(() => webSocketUrl('example')).toThrow(TypeError))
})

describe('a link', () => {
  it('offers the SDK’s subprotocol, hands text on, and sends only while open', () => {
    const received: unknown[] = []
    const transport = webSocketTransport(
      'ws://x/ws',
      FakeSocket,
    )({
      onOpen: () => received.push('open'),
      onMessage: (text) => received.push(text),
      onClose: (code) => received.push(code),
    })
    const [socket] = opened
    expect([socket?.url, socket?.protocols]).toEqual(['ws://x/ws', ['roomful.v1']])
    transport.send('too early')
    socket?.open()
    socket?.message('hello')
    transport.send('now')
    socket?.end(1006)
    expect(received).toEqual(['open', 'hello', 1006])
    expect(socket?.sent).toEqual(['now'])
  })

  it('ends with a goodbye, or without one so that its session is kept; either way silently', () => {
    for (const [manner, args] of [
      ['goodbye', [1000]],
      ['cut', []],
    ] as const) {
      const onClose = vi.fn()
      const transport = webSocketTransport('ws://x/ws', FakeSocket)({ onOpen: vi.fn(), onMessage: vi.fn(), onClose })
      transport.close(manner)
      opened.at(-1)?.end(1005)
      expect(opened.at(-1)?.closedWith).toEqual(args)
      expect(onClose).not.toHaveBeenCalled()
    }
  })
})

it('says so where there is no WebSocket', () => {
  vi.stubGlobal('WebSocket', undefined)
  const alone = { transports: ['websocket'] } as const
  expect(() => connect('http://localhost', alone)).toThrow(expect.objectContaining({ code: 'NO_WEBSOCKET' }))
})

it('takes a constructor that throws for a failed try, and says why', async () => {
  class Throwing extends FakeSocket {
    constructor(url: string) {
      super(url)
      throw new Error('insecure')
    }
  }
  const errors: unknown[] = []
  // The longest first wait, so that the second try is not there before we look.
  const options = { transports: ['websocket'], WebSocket: Throwing, random: () => 0 } as const
  const client = connect('http://localhost', { ...options, onError: (error) => errors.push(error) })
  await vi.waitFor(() => expect(client.state.status).toBe('waiting'))
  expect(errors).toMatchObject([{ code: 'NOT_CONNECTED', cause: { message: 'insecure' } }])
  client.close()
})

describe('in a browser', () => {
  it('[C18] the network’s return cuts the wait short; its loss, and the page’s return, put the link to the test', async () => {
    const page = new EventTarget()
    const window = new EventTarget()
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
    vi.stubGlobal('document', Object.assign(page, { visibilityState: 'visible' }))
    vi.stubGlobal('navigator', { onLine: true })
    const client = connect('http://localhost', { transports: ['websocket'], WebSocket: FakeSocket, random: () => 0 })
    await vi.waitFor(() => expect(opened).toHaveLength(1))
    opened[0]?.end(1006)
    expect(client.state.status).toBe('waiting')
    window.dispatchEvent(new Event('online'))
    await vi.waitFor(() => expect(opened).toHaveLength(2))

    const [, socket] = opened
    socket?.open()
    socket?.message('{"type":"opened","ch":1,"id":"c","user":{},"now":1,"recovered":false}')
    window.dispatchEvent(new Event('offline'))
    page.dispatchEvent(new Event('visibilitychange'))
    expect(socket?.sent.slice(1)).toEqual(['{"type":"ping"}'])
    client.close()
    window.dispatchEvent(new Event('online'))
    expect(opened).toHaveLength(2)
  })
})
