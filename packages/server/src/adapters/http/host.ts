/** What the handlers of the HTTP API use: the hub, accounts, metrics, and the polls and streams that are open. */
import type { Administration } from '../../core/administration.ts'
import type { Hub } from '../../core/hub.ts'
import type { Accounts } from '../auth/accounts.ts'
import type { ApiKey } from '../auth/api-key.ts'
import type { TicketOffice } from '../auth/tickets.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Stories } from '../observe/stories.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { Polls } from './fallbacks/poll.ts'
import { SseStreams } from './fallbacks/sse.ts'
import { NotificationPolls } from './notification-polls.ts'
import type { HttpLinks } from './v1-links/links.ts'

/** The parts of the server that handlers use. */
export interface HttpHostParts {
  /** The version of Roomful. */
  readonly version: string
  /** The path below which everything is served, such as `/realtime`, or empty. */
  readonly basePath: string
  readonly hub: Hub
  readonly links: HttpLinks
  readonly administration: Administration
  readonly accounts: Accounts
  readonly tickets: TicketOffice
  /** Undefined where prom-client is not installed. */
  readonly metrics: Metrics | undefined
  readonly stories: Stories
  /** Whether the server records stories of connections. */
  readonly keepsStories: boolean
  /** Undefined when the server sends none. */
  readonly webhooks: () => Webhooks | undefined
  /** Undefined when the server API is off. Paths for admins may exist without it. */
  readonly apiKey: ApiKey | undefined
}

/** What a handler receives. */
export interface HttpHost extends HttpHostParts {
  readonly notifications: NotificationPolls
  readonly polls: Polls
  readonly streams: SseStreams
}

/** Adds the polls and streams that are open between requests. */
export function createHttpHost(parts: HttpHostParts): HttpHost {
  const { hub } = parts
  return {
    ...parts,
    notifications: new NotificationPolls(hub),
    polls: new Polls(hub),
    streams: new SseStreams(hub),
  }
}
