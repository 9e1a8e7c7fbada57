/**
 * `Expect: 100-continue`: the client holds its body back until it is asked for, so a request that is refused before that
 * costs its head alone. Node answers 100 by itself unless a server listens for `checkContinue`. RFC 9110 section 10.1.1.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

const waiting = new WeakMap<IncomingMessage, ServerResponse>()

/** The body of this request comes once {@link inviteBody} asks for it. */
export function holdBody(request: IncomingMessage, response: ServerResponse): void {
  waiting.set(request, response)
}

/** Called by each reader of a body, before it reads. */
export function inviteBody(request: IncomingMessage): void {
  const response = waiting.get(request)
  if (!response) return
  waiting.delete(request)
  response.writeContinue()
}

/** Whether the body is announced as larger than this, and has not been sent: it need not be read to be refused. */
export function isRefusable(request: IncomingMessage, maxBytes: number): boolean {
  return waiting.has(request) && Number(request.headers['content-length'] ?? 0) > maxBytes
}
