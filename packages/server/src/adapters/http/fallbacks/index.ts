/** The fallbacks of one hub, as the HTTP side asks for them. */
import type { Hub } from '../../../core/hub.ts'
import type { HttpFallbacks, HttpLinkRequests } from '../host.ts'
import { Polls } from './poll.ts'
import { answerSend } from './send.ts'
import { SseStreams } from './sse.ts'

/** @param pollsMax polls that may wait at once */
export function createFallbacks(hub: Hub, links: HttpLinkRequests, pollsMax?: number): HttpFallbacks {
  const polls = new Polls(hub, pollsMax)
  const streams = new SseStreams(hub)
  return {
    sse: (exchange) => streams.answer(exchange),
    poll: (exchange) => polls.answer(exchange),
    send: (exchange) => answerSend(hub, exchange),
    links,
  }
}
