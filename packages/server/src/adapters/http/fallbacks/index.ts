/** Rooms without a WebSocket. Each method answers by itself, and rejects with a RoomfulError before that. */
import type { Hub } from '../../../core/hub.ts'
import type { Exchange } from '../exchange.ts'
import type { HttpLinks } from '../v1-links/links.ts'
import { Polls } from './poll.ts'
import { answerSend } from './send.ts'
import { SseStreams } from './sse.ts'

export class Fallbacks {
  /** v1 links that HTTP carries. */
  readonly links: HttpLinks
  private readonly hub: Hub
  private readonly polls: Polls
  private readonly streams: SseStreams

  /** @param pollsMax polls that may wait at once */
  constructor(hub: Hub, links: HttpLinks, pollsMax?: number) {
    this.hub = hub
    this.links = links
    this.polls = new Polls(hub, pollsMax)
    this.streams = new SseStreams(hub)
  }

  sse(exchange: Exchange): Promise<void> {
    return this.streams.answer(exchange)
  }

  poll(exchange: Exchange): Promise<void> {
    return this.polls.answer(exchange)
  }

  send(exchange: Exchange): Promise<void> {
    return answerSend(this.hub, exchange)
  }
}
