/** A connection beside the main one of the session, which a person reconnects by hand after the server ended both. */
import type { Client } from '@roomful/client'
import { useEffect } from 'react'

/** Connects `client` again, if it was ended, whenever `main` is connected again. */
export function useReconnectWith(client: Client, main: Client): void {
  useEffect(() => {
    let wasOpen = main.state.status === 'open'
    return main.subscribe(() => {
      const isOpen = main.state.status === 'open'
      if (isOpen && !wasOpen && client.state.status === 'closed') client.connect()
      wasOpen = isOpen
    })
  }, [client, main])
}
