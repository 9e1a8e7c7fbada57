/** A tab's way to the hub, whichever kind of hub it is. */
import type { FromHub, FromTab, HubConfig } from './messages.ts'

export interface RouteOptions {
  /** What this tab and its peers have in common: where they connect, as whom, and the version of their messages. */
  readonly group: string
  readonly config: HubConfig
  /** The lock that this tab holds for as long as it lives. */
  readonly lock: string
  readonly onMessage: (message: FromHub) => void
  /** There is a hub, or another one than before, of which nothing is left then. */
  readonly onReady: () => void
  /** The hub ended. The route finds another one by itself, unless it is `broken`: there will be none on this way. */
  readonly onGone: (isBroken: boolean) => void
}

export interface Route {
  post(message: FromTab): void
  /** The hub is in this tab; `alone` while no other tab uses it. */
  readonly leads: 'no' | 'alone' | 'others'
  /** The tab does without the hub from now on. */
  end(): void
}
