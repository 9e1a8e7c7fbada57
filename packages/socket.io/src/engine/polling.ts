/** Answers to polls and POSTs. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BINARY, payloadsOf } from '@roomful/server/core'
import type { Protocol } from '../frames.ts'
import type { Engine, EngineRequest } from './server.ts'

/** The body of an answer. */
export interface Answer {
  readonly text: string
  readonly type: string
}

const SEPARATOR = '\u001e'
const TEXT = 'text/plain; charset=UTF-8'

/** @param frames whole frames; each becomes a packet of the payload */
export function payloadOf(frames: readonly Uint8Array[], protocol: Protocol): Answer {
  const packets: string[] = []
  for (const { opcode, bytes } of payloadsOf(frames)) {
    if (opcode !== BINARY) packets.push(bytes.toString('utf8'))
    else if (protocol === 4) packets.push(`b${bytes.toString('base64')}`)
    else packets.push(`b${bytes[0]}${bytes.subarray(1).toString('base64')}`)
  }
  const text = protocol === 4 ? packets.join(SEPARATOR) : packets.map((packet) => `${packet.length}:${packet}`).join('')
  return { text, type: TEXT }
}

/** Writes the answer, with the headers that listeners of the engine add. */
export function answerPoll(engine: Engine, response: ServerResponse, { text, type }: Answer): void {
  if (response.headersSent || response.destroyed) return
  const request = response.req as EngineRequest
  const body = Buffer.from(text)
  const headers: Record<string, string | number | string[]> = {
    'Content-Type': type,
    'Content-Length': body.byteLength,
    ...headersFor(request),
    'cache-control': 'no-store',
  }
  if (request._query.sid === undefined) {
    const cookie = engine.cookieFor(request)
    if (cookie !== undefined) headers['Set-Cookie'] = [cookie]
    engine.emit('initial_headers', headers, request)
  }
  engine.emit('headers', headers, request)
  response.writeHead(200, headers)
  response.end(body)
}

/** Old versions of Internet Explorer would run a text as a page. */
function headersFor({ headers }: IncomingMessage): Record<string, string> {
  return /;MSIE|Trident\//.test(headers['user-agent'] ?? '') ? { 'X-XSS-Protection': '0' } : {}
}
