/**
 * What a page asks the server for, kept right: asked when the page opens, and again whenever the connection is a new one,
 * because what was said meanwhile to those who were there was not said to us. What is shown stays until then.
 */
import { RoomfulError } from '@roomful/client'
import { useConnection } from '@roomful/react'
import { useCallback, useEffect, useRef, useState } from 'react'

export interface Loaded<T> {
  /** Nothing yet, or nothing because of `error`. */
  readonly data: T | undefined
  /** Why the latest question was not answered. */
  readonly error: RoomfulError | undefined
  readonly reload: () => void
  /** What an event says of it; nothing while there is nothing. */
  readonly change: (changed: (data: T) => T) => void
}

/** @param about loads again when it changes, such as the id of what is shown */
export function useLoaded<T>(ask: () => Promise<T>, about = ''): Loaded<T> {
  const state = useConnection()
  const connectionId = state.status === 'open' ? state.connectionId : undefined
  const [loaded, setLoaded] = useState<{ about: string; data?: T; error?: RoomfulError }>({ about })
  const [round, setRound] = useState(0)
  const latest = useRef(ask)
  latest.current = ask
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads again for another connection, or on request
  useEffect(() => {
    if (connectionId === undefined) return
    let isOver = false
    latest.current().then(
      (data) => {
        if (!isOver) setLoaded({ about, data })
      },
      (error: unknown) => {
        if (isOver) return
        const known = error instanceof RoomfulError ? error : new RoomfulError('INTERNAL', String(error))
        setLoaded((before) => ({ ...(before.about === about ? before : { about }), error: known }))
      },
    )
    return () => {
      isOver = true
    }
  }, [connectionId, about, round])
  const change = useCallback((changed: (data: T) => T) => {
    setLoaded((before) => (before.data === undefined ? before : { ...before, data: changed(before.data) }))
  }, [])
  const reload = useCallback(() => setRound((before) => before + 1), [])
  const isCurrent = loaded.about === about
  return { data: isCurrent ? loaded.data : undefined, error: isCurrent ? loaded.error : undefined, reload, change }
}
