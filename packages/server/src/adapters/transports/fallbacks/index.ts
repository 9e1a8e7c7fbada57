/** The fallbacks of one hub, as the HTTP side asks for them. */
import type { Hub } from '../../../core/hub.ts'
import type { HttpFallbacks } from '../http/host.ts'
import { answerSend } from './send.ts'
import { SseStreams } from './sse.ts'

export function createFallbacks(hub: Hub): HttpFallbacks {
  const streams = new SseStreams(hub)
  return {
    sse: (exchange) => streams.answer(exchange),
    send: (exchange) => answerSend(hub, exchange),
  }
}
