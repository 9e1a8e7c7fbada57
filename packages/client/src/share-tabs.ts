/** `shareTabs`: all that the core has of it. The rest is loaded with the first connection. */
import type { Environment } from './environment.ts'
import type { TabsOptions, TabsTransport } from './tabs/index.ts'
import { Switch } from './transports/websocket.ts'

/** @param timeoutMs as for `defaultTransports` */
export function shareTabs(
  url: string | URL,
  options: TabsOptions,
  environment: Environment,
  timeoutMs: number,
): TabsTransport {
  // By the name of the package, since React Native has another file of it, without tabs and without `import.meta`.
  const load = async (): Promise<TabsTransport> =>
    (await import('@roomful/client/tabs')).openTabs(url, options, environment, timeoutMs)
  return {
    open(handlers) {
      const link = new Switch()
      link.load(handlers, async () => (await load()).open) // never rejects
      return link
    },
    signOut: async () => (await load()).signOut(), // a file that is not loaded is an uncaught error
  }
}
