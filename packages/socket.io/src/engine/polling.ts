/** Answers to polls and POSTs. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'
import { BINARY, payloadsOf } from '@roomful/server/core'
import accepts from 'accepts'
import { payload3 } from './payload-3.ts'
import type { Engine, EngineRequest } from './server.ts'

/** The body of an answer. */
export interface Answer {
  readonly body: Buffer
  readonly type: string
}

const SEPARATOR = '\u001e'
const ENCODERS = { gzip: promisify(gzip), deflate: promisify(deflate) }

/** What acknowledges a POST. */
export const OK: Answer = { body: Buffer.from('ok'), type: 'text/html' }

/** @param frames whole frames; each becomes a packet of the payload */
export function payloadFor(request: EngineRequest, frames: readonly Uint8Array[]): Answer {
  const { EIO, b64 } = request._query
  if (EIO !== '4') return payload3(frames, b64 === undefined)
  const packets: string[] = []
  for (const { opcode, bytes } of payloadsOf(frames)) {
    packets.push(opcode === BINARY ? `b${bytes.toString('base64')}` : bytes.toString('utf8'))
  }
  return { body: Buffer.from(packets.join(SEPARATOR)), type: 'text/plain; charset=UTF-8' }
}

/**
 * Writes the answer, with the headers that listeners of the engine add.
 * @param mayCompress some of it shall be compressed, if the engine does and the client can
 */
export function answerPoll(engine: Engine, response: ServerResponse, answer: Answer, mayCompress = false): void {
  if (response.headersSent || response.destroyed) return
  const { httpCompression } = engine.opts
  const isLong = httpCompression && answer.body.byteLength >= (httpCompression.threshold ?? 0)
  const encoding = mayCompress && isLong ? accepts(response.req).encodings(['gzip', 'deflate']) : false
  const encode = typeof encoding === 'string' ? ENCODERS[encoding as keyof typeof ENCODERS] : undefined
  if (!encode) return write(engine, response, answer.type, answer.body)
  encode(answer.body).then(
    (body) => write(engine, response, answer.type, body, encoding as string),
    () => response.destroy(),
  )
}

function write(engine: Engine, response: ServerResponse, type: string, body: Buffer, encoding?: string): void {
  if (response.headersSent || response.destroyed) return
  const request = response.req as EngineRequest
  const headers: Record<string, string | number | string[]> = {
    'Content-Type': type,
    'Content-Length': body.byteLength,
    ...(encoding !== undefined && { 'Content-Encoding': encoding }),
    ...headersFor(request),
    'cache-control': 'no-store',
  }
  if (request._query.sid === undefined) {
    const cookie = engine.cookieFor(request)
    if (cookie !== undefined) headers['Set-Cookie'] = [cookie]
  }
  engine.showHeaders(headers, request)
  response.writeHead(200, headers)
  response.end(body)
}

/** Old versions of Internet Explorer would run a text as a page. */
function headersFor({ headers }: IncomingMessage): Record<string, string> {
  return /;MSIE|Trident\//.test(headers['user-agent'] ?? '') ? { 'X-XSS-Protection': '0' } : {}
}
