/** Instead of `index.ts` where an application has no tabs: React Native, whose engine cannot read `import.meta` either. */
import type { Environment } from '../environment.ts'
import { defaultTransports } from '../transports/default-transports.ts'
import type { TabsOptions, TabsTransport } from './index.ts'

/** @returns a connection of its own */
export function openTabs(
  url: string | URL,
  options: TabsOptions,
  environment: Environment,
  timeoutMs: number,
): TabsTransport {
  const open = options.transport ?? defaultTransports(url, options, environment, timeoutMs)
  return { open, signOut: () => undefined }
}
