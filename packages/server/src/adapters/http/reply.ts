/** Answers in JSON, and refusals in the one shape that they have everywhere. PROTOCOL.md 10 and 12. */
import type { ServerResponse } from 'node:http'
import { toJson } from '@roomful/protocol'
import type { RoomfulError } from '../../core/base/errors.ts'

/** For everything that is no page: an answer is nobody's to keep, and is what it says it is. */
const HEADERS = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
} as const

/** @param body bytes in it are written as `{"$binary": …}` */
export function replyJson(response: ServerResponse, status: number, body: unknown): void {
  replyJsonText(response, status, toJson(body))
}

/** As {@link replyJson}, for what is JSON already. */
export function replyJsonText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

/** Of the same kind, for what is no JSON. */
export function replyText(response: ServerResponse, status: number, text: string): void {
  const own = { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) }
  response.writeHead(status, { ...HEADERS, ...own }).end(text)
}

/** @param status when it is another one than the catalogue gives the code */
export function replyError(response: ServerResponse, error: RoomfulError, status: number = error.status): void {
  if (response.headersSent) return void response.destroy() // too late to say anything
  const wire = error.toWire()
  if (wire.retryAfter !== undefined) response.setHeader('Retry-After', wire.retryAfter)
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer')
  replyJson(response, status, { error: wire })
}
