/** The HTTP side of Engine.IO: bodies of POST requests, payloads of polls, refusals. Engine.IO protocol 4. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isRefusableUnread, sendContinue } from '../http-request.ts'
import { BINARY, payloadsOf } from '../websocket/frames.ts'

const BODY_TIMEOUT_MS = 10_000
/** Parts of one body. Each costs more than its bytes, so many small ones would cost more than the largest body. */
const CHUNKS_MAX = 10_000

/** The body of a POST, or why there is none. */
export type Body = Buffer | 'too large' | 'cut off'

/** Reads the body of a POST, up to a size and within a time. */
export function readBody(request: IncomingMessage, maxBytes: number, withinMs = BODY_TIMEOUT_MS): Promise<Body> {
  return new Promise((resolve) => {
    if (isRefusableUnread(request, maxBytes)) return resolve('too large')
    sendContinue(request)
    const chunks: Buffer[] = []
    let bytes = 0
    const timeout = setTimeout(() => resolve(ended('cut off')), withinMs)
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return resolve(ended('too large'))
    function ended<Result>(result: Result): Result {
      clearTimeout(timeout)
      request.removeAllListeners('data')
      request.resume()
      return result
    }
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes || chunks.length >= CHUNKS_MAX) resolve(ended('too large'))
      else chunks.push(chunk)
    })
    request.once('end', () => resolve(ended(Buffer.concat(chunks))))
    request.once('error', () => resolve(ended('cut off')))
    request.once('close', () => resolve(ended('cut off')))
  })
}

/** Refusals of requests without a valid session, with Engine.IO's codes. */
export const REFUSALS = {
  transport: { status: 400, code: 0, message: 'Transport unknown' },
  session: { status: 400, code: 1, message: 'Session ID unknown' },
  method: { status: 400, code: 2, message: 'Bad handshake method' },
  request: { status: 400, code: 3, message: 'Bad request' },
  origin: { status: 403, code: 4, message: 'Origin not allowed' },
  version: { status: 400, code: 5, message: 'Unsupported protocol version' },
  unready: { status: 503, code: 4, message: 'Try again later' },
} as const

/** An answer in Engine.IO's form: `{code, message}`. */
export interface Refusal {
  readonly status: number
  readonly code: number
  readonly message: string
}

/** Answers a poll or a POST. */
export function answerText(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return
  const bytes = Buffer.from(text)
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=UTF-8',
    'Content-Length': bytes.byteLength,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(bytes)
}

/** Refuses a request. */
export function answerRefusal(response: ServerResponse, { status, code, message }: Refusal): void {
  if (response.headersSent || response.destroyed) return
  response.setHeader('Content-Type', 'application/json')
  if (status === 503) response.setHeader('Retry-After', 1)
  response.writeHead(status).end(JSON.stringify({ code, message }))
}

const SEPARATOR = '\u001e'

/**
 * The payload of a poll. Events are encoded once as WebSocket frames for all clients of a namespace, so polls take them
 * out of their frames.
 * @param frames whole frames, in buffers of any size
 */
export function toPayload(frames: readonly Uint8Array[]): string {
  const packets: string[] = []
  for (const { opcode, bytes } of payloadsOf(frames)) {
    packets.push(opcode === BINARY ? `b${bytes.toString('base64')}` : bytes.toString('utf8'))
  }
  return packets.join(SEPARATOR)
}
