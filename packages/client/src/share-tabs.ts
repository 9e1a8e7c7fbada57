/** `shareTabs`: all that the core has of it. The rest is loaded with the first connection. */
import type { Environment } from './environment.ts'
import type { TabsOptions, TabsTransport } from './tabs/index.ts'
import { CUT_OFF } from './transports/transport.ts'
import { Switch } from './transports/websocket.ts'

/** @param timeoutMs as for `defaultTransports` */
export function shareTabs(
  url: string | URL,
  options: TabsOptions,
  environment: Environment,
  timeoutMs: number,
): TabsTransport {
  let loaded: TabsTransport | undefined
  const load = async (): Promise<TabsTransport> => {
    const { openTabs } = await import('./tabs/index.ts')
    loaded ??= openTabs(url, options, environment, timeoutMs)
    return loaded
  }
  return {
    open(handlers) {
      const link = new Switch()
      load().then(
        ({ open }) => {
          if (!link.isClosed) link.current = open(handlers)
        },
        (cause) => handlers.onClose(CUT_OFF, String(cause)), // not loaded: the next attempt may succeed
      )
      return link
    },
    signOut: () => void load().then(({ signOut }) => signOut(), environment.report),
  }
}
