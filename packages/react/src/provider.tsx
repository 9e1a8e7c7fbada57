/**
 * Gives the components below it a client. Either the application's own, or one that lives as long as the provider does:
 * connected when it is mounted, closed shortly after it is gone, and exactly one under Strict Mode, which mounts twice.
 */
import { type AnyContract, Client, type ClientOptions } from '@roomful/client'
import { createContext, type ReactElement, type ReactNode, useContext, useEffect, useRef, useState } from 'react'

export type RoomfulProviderProps<C extends AnyContract = undefined> =
  | { readonly client: Client<C>; readonly children?: ReactNode }
  | OwnClientProps

interface OwnClientProps {
  /** Of the server, as `connect` takes it. */
  readonly url: string | URL
  /** As `connect` takes them. Read once: give the provider another `key` to connect as somebody else. */
  readonly options?: ClientOptions
  readonly children?: ReactNode
}

/** A provider that is mounted again within this time keeps its connection. */
const LINGER_MS = 100

const ClientContext = createContext<Client | undefined>(undefined)

/** Nest one inside another to use a second namespace below it: hooks take the nearest. */
export function RoomfulProvider<C extends AnyContract = undefined>(props: RoomfulProviderProps<C>): ReactElement {
  if (!('client' in props)) return <OwnClient {...props} />
  // The context cannot carry the contract; whoever reads it says which one it is.
  return <ClientContext value={props.client as unknown as Client}>{props.children}</ClientContext>
}

function OwnClient({ url, options, children }: OwnClientProps): ReactElement {
  // Making one does nothing yet, so the second one of Strict Mode's double render costs nothing.
  const [client] = useState(() => new Client(url, { ...options, autoConnect: false }))
  const closing = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    clearTimeout(closing.current)
    const { status } = client.state
    if (status === 'idle' || status === 'closed') client.connect()
    return () => {
      closing.current = setTimeout(() => client.close(), LINGER_MS)
    }
  }, [client])
  return <ClientContext value={client}>{children}</ClientContext>
}

/**
 * The client of the nearest provider.
 * @throws Error outside of one
 */
export function useClient<C extends AnyContract = undefined>(): Client<C> {
  const client = useContext(ClientContext)
  if (!client) throw new Error('There is no <RoomfulProvider> around this component')
  return client as unknown as Client<C>
}
