/** What a POST brings, up to a limit and for a while. */
import type { IncomingMessage } from 'node:http'
import { inviteBody, isRefusable } from '../expect-continue.ts'

const BODY_TIMEOUT_MS = 10_000

/** @returns the text, or why there is none */
export function readPayload(request: IncomingMessage, maxBytes: number): Promise<string | 'too large' | 'cut off'> {
  return new Promise((resolve) => {
    if (isRefusable(request, maxBytes)) return resolve('too large')
    inviteBody(request)
    const chunks: Buffer[] = []
    let bytes = 0
    const timeout = setTimeout(() => resolve(ended('cut off')), BODY_TIMEOUT_MS)
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return resolve(ended('too large'))
    function ended<Result>(result: Result): Result {
      clearTimeout(timeout)
      request.removeAllListeners('data')
      request.resume()
      return result
    }
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > maxBytes) resolve(ended('too large'))
      else chunks.push(chunk)
    })
    request.once('end', () => resolve(ended(Buffer.concat(chunks).toString('utf8'))))
    request.once('error', () => resolve(ended('cut off')))
    request.once('close', () => resolve(ended('cut off')))
  })
}
