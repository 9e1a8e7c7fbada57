/** The connection as a component sees it. B21. */
import type { ConnectionState } from '@roomful/client'
import { useSyncExternalStore } from 'react'
import { useClient } from './provider.tsx'

/**
 * What the connection is doing: a value told apart by `status` (`connecting`, `open`, `waiting`, …), each with its own
 * fields, such as `user` once it is open and `untilMs` while it waits for the next try.
 */
export function useConnection(): ConnectionState {
  const { subscribe, getSnapshot } = useClient()
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
}
