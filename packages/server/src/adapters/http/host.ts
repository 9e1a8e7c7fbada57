/** What the handlers of the HTTP API use: the hub, accounts, metrics, and the polls and streams that are open. */
import type { Administration } from '../../core/administration.ts'
import type { Hub } from '../../core/hub.ts'
import type { Accounts } from '../auth/accounts.ts'
import type { ApiKey } from '../auth/api-key.ts'
import type { Tickets } from '../auth/tickets.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Stories } from '../observe/stories.ts'
import { Polls } from './fallbacks/poll.ts'
import { SseStreams } from './fallbacks/sse.ts'
import { NotificationPolls } from './notification-polls.ts'
import type { HttpLinks } from './v1-links/links.ts'

export interface HttpHostParts {
  /** Of this software. */
  readonly version: string
  /** Of everything that is served: such as `/realtime`, or nothing. */
  readonly basePath: string
  readonly hub: Hub
  readonly links: HttpLinks
  readonly administration: Administration
  readonly accounts: Accounts
  readonly tickets: Tickets
  readonly metrics: Metrics
  readonly stories: Stories
  /** Whether the stories of connections may be asked for. */
  readonly keepsStories: boolean
  /** Undefined: the server API is off, except for what admins may ask. */
  readonly apiKey: ApiKey | undefined
}

export interface HttpHost extends HttpHostParts {
  readonly notifications: NotificationPolls
  readonly polls: Polls
  readonly streams: SseStreams
}

export function createHttpHost(parts: HttpHostParts): HttpHost {
  const { hub } = parts
  return {
    ...parts,
    notifications: new NotificationPolls(hub),
    polls: new Polls(hub),
    streams: new SseStreams(hub),
  }
}
