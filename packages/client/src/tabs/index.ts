/**
 * One connection for all tabs of a site (`shareTabs`): loaded on demand. A shared worker has the link where there is one, else
 * one of the tabs. D13.
 */
import type { Environment } from '../environment.ts'
import { type DefaultTransportsOptions, defaultTransports } from '../transports/default-transports.ts'
import type { OpenTransport } from '../transports/transport.ts'
import { webSocketUrl } from '../transports/websocket.ts'
import { Hub } from './hub.ts'
import { type LeaderPlatform, leaderRoute } from './leader-route.ts'
import { type HubConfig, TABS_VERSION } from './messages.ts'
import { pageLife } from './page.ts'
import { type Asking, Tab, type TabOptions } from './tab.ts'
import { type MakeWorker, makeOwnWorker, workerRoute } from './worker-route.ts'

/** How tabs share a connection. */
export interface ShareTabsOptions {
  /**
   * Tabs with the same name share, if they connect to the same server. Give the user's id, where different tabs may be of
   * different users. Default: all share.
   */
  name?: string
  /**
   * The shared worker, for a build whose bundler does not know `new URL(…, import.meta.url)`: the URL at which the page finds
   * `@roomful/client/tabs/worker` as one file, or a function that makes it. With `false` one of the tabs has the connection.
   */
  worker?: string | URL | MakeWorker | false
}

/** What `connect` and `createLink` take besides. */
export interface TabsOptions extends DefaultTransportsOptions {
  transport?: OpenTransport
  shareTabs?: boolean | ShareTabsOptions
}

/** A way for one client to the connection of all tabs. */
export interface TabsTransport {
  readonly open: OpenTransport
  readonly signOut: () => void
}

/** Those of this page, by what they have in common with their peers. */
const tabs = new Map<string, Tab>()

/** Of each client that asked. */
const askings = new WeakMap<Environment, Asking>()

/**
 * @param url of the server, as for `connect`
 * @param environment a client's own: each time the same one
 */
export function openTabs(
  url: string | URL,
  options: TabsOptions,
  environment: Environment,
  timeoutMs: number,
): TabsTransport {
  const openOwn = options.transport ?? defaultTransports(url, options, environment, timeoutMs)
  const share = typeof options.shareTabs === 'object' ? options.shareTabs : {}
  const config: HubConfig = { url: webSocketUrl(url), transports: options.transports, timeoutMs }
  const group = [TABS_VERSION, config.url, config.transports ?? '', share.name ?? ''].join(' ')
  const tab = tabs.get(group) ?? makeTab({ group, config, options, share, environment, openOwn })
  if (!tab) return { open: openOwn, signOut: () => undefined }
  tabs.set(group, tab)
  const asking = askings.get(environment) ?? { openOwn, onError: environment.onError, signedOutAt: tab.signedOutAt }
  askings.set(environment, asking)
  return { open: (handlers) => tab.open(asking, handlers), signOut: () => tab.signOut() }
}

interface Making extends Pick<TabOptions, 'group' | 'config'> {
  readonly options: TabsOptions
  readonly share: ShareTabsOptions
  readonly environment: Environment
  readonly openOwn: OpenTransport
}

/** @returns nothing where tabs cannot find each other: outside a page, or on one that is not served securely */
function makeTab({ group, config, options, share, environment, openOwn }: Making): Tab | undefined {
  const locks = globalThis.navigator?.locks as LockManager | undefined
  if (!locks || !globalThis.document || !globalThis.BroadcastChannel) return undefined
  const { clock } = environment
  const platform: LeaderPlatform = {
    ...{ locks, BroadcastChannel },
    makeHub: () => new Hub({ openTransport: openOwn, clock }),
  }
  const routes: TabOptions['routes'][number][] = [(route) => leaderRoute(platform, route)]
  // What the application made by itself stays in its page.
  const mayUseWorker = !options.transport && !options.WebSocket && !options.fetch && share.worker !== false
  if (mayUseWorker && globalThis.SharedWorker) {
    const make = makerOf(share.worker || undefined)
    routes.unshift((route) => workerRoute(make, locks, route))
  }
  const createId = (): string => crypto.randomUUID()
  return new Tab({ group, config, locks, clock, createId, page: pageLife(group), routes })
}

function makerOf(worker: string | URL | MakeWorker | undefined): MakeWorker {
  if (worker === undefined) return makeOwnWorker
  if (typeof worker === 'function') return worker
  return (name) => new SharedWorker(worker, { type: 'module', name, extendedLifetime: true } as WorkerOptions)
}
