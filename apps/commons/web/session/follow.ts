/** A connection beside the main one of the session, which a person reconnects by hand after the server ended both. */
import type { Client } from '@roomful/client'
import { useEffect } from 'react'

/** Connects `client` again, if it was ended, whenever `main` has a new connection. */
export function useReconnectWith(client: Client, main: Client): void {
  useEffect(() => {
    let known = connectionIdOf(main)
    return main.subscribe(() => {
      const connectionId = connectionIdOf(main)
      if (connectionId === undefined || connectionId === known) return
      known = connectionId
      if (client.state.status === 'closed') client.connect()
    })
  }, [client, main])
}

function connectionIdOf({ state }: Client): string | undefined {
  return state.status === 'open' ? state.connectionId : undefined
}
