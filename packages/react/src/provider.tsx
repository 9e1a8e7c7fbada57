/**
 * Providers of a client for the components inside them: the application's own client, or one that lives as long as the
 * provider. That one connects when the provider is mounted and closes shortly after it is unmounted; there is exactly one
 * under Strict Mode, which mounts twice. `<Context.Provider>`, because React 18 has no `<Context>`.
 */
import {
  type AnyContract,
  Client,
  type ClientOptions,
  type ConnectionState,
  createLink,
  type NamespaceOptions,
  type SharedLink,
  type SharedLinkOptions,
} from '@roomful/client'
import {
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'

/** Either a client, or where to connect, or a namespace of the nearest {@link LinkProvider}. */
export type RoomfulProviderProps<C extends AnyContract = undefined> =
  | { readonly client: Client<C>; readonly children?: ReactNode }
  | OwnClientProps
  | SharingProps

interface OwnClientProps {
  /** Of the server, as for `connect`. */
  readonly url: string | URL
  /** As for `connect`. Read once: give the provider another `key` to connect as another user. */
  readonly options?: ClientOptions
  readonly children?: ReactNode
}

/** A namespace on a shared link. */
export interface SharingProps {
  /** The namespace for the hooks inside, over the link of the nearest {@link LinkProvider}. Read once, as `options`. */
  readonly namespace: string
  readonly options?: Omit<NamespaceOptions, 'namespace' | 'autoConnect'>
  readonly children?: ReactNode
}

/** Where the link of a {@link LinkProvider} connects. */
export interface LinkProviderProps {
  /** Of the server, as for `createLink`. */
  readonly url: string | URL
  /** As for `createLink`. Read once: give the provider another `key` to connect as another user. */
  readonly options?: SharedLinkOptions
  readonly children?: ReactNode
}

/** A provider that is mounted again within this time, ms, keeps its connection. */
const LINGER_MS = 100

const ClientContext = createContext<Client | undefined>(undefined)
const LinkContext = createContext<SharedLink | undefined>(undefined)

/**
 * Gives each `<RoomfulProvider namespace="…">` inside it the same link: one WebSocket, as one user.
 * @example
 * <LinkProvider url="https://example.org" options={{ token: fetchToken }}>
 *   <RoomfulProvider namespace="/chat"><Chat /></RoomfulProvider>
 *   <RoomfulProvider namespace="/shop"><Shop /></RoomfulProvider>
 * </LinkProvider>
 */
export function LinkProvider({ url, options, children }: LinkProviderProps): ReactElement {
  const [link] = useState(() => createLink(url, options))
  return <LinkContext.Provider value={link}>{children}</LinkContext.Provider>
}

/**
 * Gives the hooks inside it a client. Providers can be nested, for a second namespace: hooks use the nearest one.
 * @throws Error for a `namespace` outside a {@link LinkProvider}
 * @example
 * <RoomfulProvider url="https://example.org" options={{ namespace: '/chat', token: fetchToken }}>
 *   <Chat />
 * </RoomfulProvider>
 */
export function RoomfulProvider<C extends AnyContract = undefined>(props: RoomfulProviderProps<C>): ReactElement {
  if ('namespace' in props) return <SharingClient {...props} />
  if ('url' in props) return <OwnClient {...props} />
  // A context has no type parameter: the callers of the hooks name the contract.
  return <ClientContext.Provider value={props.client as unknown as Client}>{props.children}</ClientContext.Provider>
}

function OwnClient({ url, options, children }: OwnClientProps): ReactElement {
  return <Connected make={() => new Client(url, { ...options, autoConnect: false })}>{children}</Connected>
}

function SharingClient({ namespace, options, children }: SharingProps): ReactElement {
  const link = useContext(LinkContext)
  if (!link) throw new Error('There is no <LinkProvider> around this <RoomfulProvider namespace>')
  return <Connected make={() => link.connect({ ...options, namespace, autoConnect: false })}>{children}</Connected>
}

/** @param make called once, or twice under Strict Mode: a client that does not connect does nothing */
function Connected({ make, children }: { make: () => Client; children: ReactNode }): ReactElement {
  const [client] = useState(make)
  const closing = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => {
    clearTimeout(closing.current)
    const { status } = client.state
    if (status === 'idle' || status === 'closed') client.connect()
    return () => {
      closing.current = setTimeout(() => client.close(), LINGER_MS)
    }
  }, [client])
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>
}

/**
 * @returns the client of the nearest provider
 * @throws Error outside a provider
 */
export function useClient<C extends AnyContract = undefined>(): Client<C> {
  const client = useContext(ClientContext)
  if (!client) throw new Error('There is no <RoomfulProvider> around this component')
  return client as unknown as Client<C>
}

/**
 * What the connection is doing: a value with a `status` (`connecting`, `open`, `waiting`, …), each with its own fields, such
 * as `user` once it is open and `untilMs` while it waits for the next attempt. B21.
 * @throws Error outside a provider
 */
export function useConnection(): ConnectionState {
  const { subscribe, getSnapshot } = useClient()
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
}
