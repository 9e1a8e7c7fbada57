/**
 * Four transports to the same room with browser APIs alone: `fetch`, `EventSource`, `WebSocket`. Each runs until its signal is
 * aborted. Bodies are counted exactly; headers and framing, which a page cannot see, are estimated.
 */
import type { Meter } from './meter.ts'

/** Size of a browser's headers in each direction; the token in them is counted separately. */
const REQUEST_HEADERS = 480
const RESPONSE_HEADERS = 330
/** Of an HTTP chunk around an event of a stream. */
const CHUNK_BYTES = 6
const SHORT_POLL_MS = 1_000
/** After a failure. */
const RETRY_MS = 2_000
const LONG_POLL_WAIT_S = 25

export interface LabTransport {
  readonly name: string
  readonly about: string
  /** A custom property of the theme. */
  readonly colour: string
  run(meter: Meter, token: Token, signal: AbortSignal): Promise<void>
}

/** Called before each request, since tokens are renewed. */
type Token = () => string

interface TickEvent {
  readonly type: string
  readonly ts: number
}

export const LAB_TRANSPORTS: readonly LabTransport[] = [
  {
    name: 'Short poll',
    about: 'Polls once a second',
    colour: '--color-bad',
    run: (meter, token, signal) => poll(meter, token, signal, 0),
  },
  {
    name: 'Long poll',
    about: 'Waits for the server to have something',
    colour: '--color-warn',
    run: (meter, token, signal) => poll(meter, token, signal, LONG_POLL_WAIT_S),
  },
  { name: 'SSE', about: 'A single streaming response', colour: '--color-good', run: listen },
  { name: 'WebSocket', about: 'A dedicated two-way connection', colour: '--color-accent', run: connect },
]

async function poll(meter: Meter, token: Token, signal: AbortSignal, waitS: number): Promise<void> {
  let cursor: string | undefined
  while (!signal.aborted) {
    const path = `/poll/?room=lab&wait=${waitS}${cursor === undefined ? '' : `&after=${encodeURIComponent(cursor)}`}`
    const sent = token()
    try {
      const response = await fetch(path, { headers: { authorization: `Bearer ${sent}` }, cache: 'no-store', signal })
      const text = await response.text()
      meter.request(REQUEST_HEADERS + path.length + sent.length + RESPONSE_HEADERS + byteLength(text))
      if (!response.ok) throw new Error(`Request failed (${response.status})`)
      const answer = JSON.parse(text) as { events: TickEvent[]; cursor: string }
      cursor = answer.cursor
      for (const event of answer.events) count(meter, event)
      if (waitS === 0) await pause(SHORT_POLL_MS, signal)
    } catch (error) {
      if (signal.aborted) return
      meter.fail(error)
      await pause(RETRY_MS, signal)
    }
  }
}

async function listen(meter: Meter, token: Token, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await untilBroken(meter, await ticketFor(meter, token, signal), signal)
    } catch (error) {
      if (!signal.aborted) meter.fail(error)
    }
    await pause(RETRY_MS, signal)
  }
}

/** Resolves when the stream is closed; until then it reconnects automatically. */
function untilBroken(meter: Meter, ticket: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const path = `/sse/?room=lab&ticket=${ticket}`
    const source = new EventSource(path)
    const close = (): void => {
      source.close()
      resolve()
    }
    signal.addEventListener('abort', close, { once: true })
    source.onopen = () => meter.request(REQUEST_HEADERS + path.length + RESPONSE_HEADERS)
    source.onmessage = ({ data, lastEventId }) => {
      meter.received(byteLength(`id: ${lastEventId}\ndata: ${data}\n\n`) + CHUNK_BYTES)
      count(meter, JSON.parse(data) as TickEvent)
    }
    source.onerror = () => {
      meter.fail('The stream was interrupted')
      if (source.readyState === EventSource.CLOSED) close()
    }
  })
}

async function connect(meter: Meter, token: Token, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await untilClosed(meter, await ticketFor(meter, token, signal), signal)
    } catch (error) {
      if (!signal.aborted) meter.fail(error)
    }
    await pause(RETRY_MS, signal)
  }
}

function untilClosed(meter: Meter, ticket: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const url = new URL(`/ws?ticket=${ticket}`, location.href)
    url.protocol = url.protocol.replace('http', 'ws')
    const socket = new WebSocket(url)
    signal.addEventListener('abort', () => socket.close(), { once: true })
    socket.onopen = () => meter.request(REQUEST_HEADERS + RESPONSE_HEADERS)
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      meter.received(frameLength(data, 0))
      const message = JSON.parse(data) as TickEvent
      if (message.type === 'auth_ok') {
        const join = JSON.stringify({ type: 'room:join', roomId: 'lab' })
        meter.received(frameLength(join, 4)) // what a browser sends is masked by four bytes
        socket.send(join)
      }
      count(meter, message)
    }
    socket.onclose = () => {
      if (!signal.aborted) meter.fail('The connection was lost')
      resolve()
    }
  })
}

/** Streams and sockets cannot send a header: a single-use ticket in the URL replaces the token. */
async function ticketFor(meter: Meter, token: Token, signal: AbortSignal): Promise<string> {
  const sent = token()
  const response = await fetch('/api/tickets', {
    method: 'POST',
    headers: { authorization: `Bearer ${sent}` },
    signal,
  })
  const text = await response.text()
  meter.request(REQUEST_HEADERS + sent.length + RESPONSE_HEADERS + byteLength(text))
  if (!response.ok) throw new Error(`Request failed (${response.status})`)
  return (JSON.parse(text) as { ticket: string }).ticket
}

function count(meter: Meter, { type, ts }: TickEvent): void {
  if (type === 'lab:tick') meter.event(ts)
}

const utf8 = new TextEncoder()

function byteLength(text: string): number {
  return utf8.encode(text).length
}

/** RFC 6455, 5.2. */
function frameLength(text: string, maskBytes: number): number {
  const length = byteLength(text)
  return (length < 126 ? 2 : length < 65_536 ? 4 : 10) + maskBytes + length
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}
