/** The log of a room, asked for page by page. */
import { contentOf, type LoggedEvent } from '@roomful/testkit/history'
import { token } from '../outside/lib/token.ts'
import type { Message } from './clients/subscriber.ts'

/** @param url of a server */
export async function readLog(url: string, room: string): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  const headers = { authorization: `Bearer ${token({ sub: 'reader' })}` }
  for (;;) {
    const after = events.at(-1)?.seq ?? 0
    const response = await fetch(`${url}/api/rooms/${room}/events?after=${after}&limit=100`, { headers })
    const page = (await response.json()) as { events: Message[]; more: boolean }
    for (const event of page.events) events.push({ seq: event.seq, key: event.key, content: contentOf(event) })
    if (!page.more) return events
  }
}
