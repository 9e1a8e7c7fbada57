/** What the HTTP side asks for, answered by the core, the accounts and the metrics. */
import type { Accounts } from '../adapters/auth/accounts.ts'
import type { ApiKey } from '../adapters/auth/api-key.ts'
import type { Tickets } from '../adapters/auth/tickets.ts'
import { createRooms } from '../adapters/http/exchange.ts'
import { createFallbacks } from '../adapters/http/fallbacks/index.ts'
import type { HttpHost } from '../adapters/http/host.ts'
import { createNotifications } from '../adapters/http/notification-polls.ts'
import type { HttpLinks } from '../adapters/http/v1-links/links.ts'
import type { Metrics } from '../adapters/observe/metrics.ts'
import type { Stories } from '../adapters/observe/stories.ts'
import type { Administration } from '../core/administration.ts'
import type { Hub } from '../core/hub.ts'
import { version } from '../version.ts'
import { createServerApi } from './server-api.ts'
import { createStatus } from './status.ts'

export interface HttpHostParts {
  readonly hub: Hub
  readonly links: HttpLinks
  readonly administration: Administration
  readonly accounts: Accounts
  readonly tickets: Tickets
  readonly metrics: Metrics
  readonly stories: Stories
  readonly keepsStories: boolean
  /** None: the server API is off, but for what admins may ask. */
  readonly apiKey: ApiKey | undefined
  readonly basePath: string
}

export function createHttpHost({
  hub,
  links,
  administration,
  accounts,
  tickets,
  metrics,
  stories,
  keepsStories,
  apiKey,
  basePath,
}: HttpHostParts): HttpHost {
  return {
    version: version(),
    basePath,
    clients: () => hub.links.open.size,
    ready: () => hub.isReady,
    metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    report(error, what) {
      const fact = { namespace: 'http', event: what, userId: '', connectionId: '', payload: undefined, error }
      hub.runtime.observer.observe({ type: 'handler:failed', ...fact })
    },
    maxMessageBytes: hub.runtime.settings.maxMessageBytes,
    apiKey,
    keepsStories,
    accounts: {
      authenticate: (credentials) => hub.runtime.authenticator.authenticate(credentials),
      signUp: (given, address) => accounts.signUp(given, address),
      signIn: (given, address) => accounts.signIn(given, address),
      refreshSession: ({ user }) => accounts.refresh(user),
      issueTicket: (identity) => tickets.issue(identity),
    },
    rooms: createRooms(hub),
    notifications: createNotifications(hub),
    server: createServerApi({ hub, administration, stories, status: createStatus(hub) }),
    fallbacks: createFallbacks(hub, links),
  }
}
