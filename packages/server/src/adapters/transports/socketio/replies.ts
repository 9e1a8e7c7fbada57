/** HTTP answers in the form that Engine.IO clients know. */
import type { ServerResponse } from 'node:http'

/** Refusals before there is a session, by Engine.IO's numbers. */
export const REFUSALS = {
  transport: { status: 400, code: 0, message: 'Transport unknown' },
  session: { status: 400, code: 1, message: 'Session ID unknown' },
  method: { status: 400, code: 2, message: 'Bad handshake method' },
  request: { status: 400, code: 3, message: 'Bad request' },
  origin: { status: 403, code: 4, message: 'Origin not allowed' },
  version: { status: 400, code: 5, message: 'Unsupported protocol version' },
  unready: { status: 503, code: 4, message: 'Try again later' },
} as const

export interface Refusal {
  readonly status: number
  readonly code: number
  readonly message: string
}

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

export function answerRefusal(response: ServerResponse, { status, code, message }: Refusal): void {
  if (response.headersSent || response.destroyed) return
  response.setHeader('Content-Type', 'application/json')
  if (status === 503) response.setHeader('Retry-After', 1)
  response.writeHead(status).end(JSON.stringify({ code, message }))
}
