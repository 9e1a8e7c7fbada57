/**
 * Gives the components below it a client. Either the application's own, or one that lives as long as the provider does:
 * connected when it is mounted, closed shortly after it is gone, and exactly one under Strict Mode, which mounts twice.
 */
import {
  type AnyContract,
  Client,
  type ClientOptions,
  createLink,
  type NamespaceOptions,
  type SharedLink,
  type SharedLinkOptions,
} from '@roomful/client'
import { createContext, type ReactElement, type ReactNode, useContext, useEffect, useRef, useState } from 'react'

export type RoomfulProviderProps<C extends AnyContract = undefined> =
  | { readonly client: Client<C>; readonly children?: ReactNode }
  | OwnClientProps
  | SharingProps

interface OwnClientProps {
  /** Of the server, as `connect` takes it. */
  readonly url: string | URL
  /** As `connect` takes them. Read once: give the provider another `key` to connect as somebody else. */
  readonly options?: ClientOptions
  readonly children?: ReactNode
}

export interface SharingProps {
  /** The namespace of the hooks below, over the link of the nearest {@link LinkProvider}. Read once, as `options`. */
  readonly namespace: string
  readonly options?: Omit<NamespaceOptions, 'namespace' | 'autoConnect'>
  readonly children?: ReactNode
}

export interface LinkProviderProps {
  /** Of the server, as `createLink` takes it. */
  readonly url: string | URL
  /** As `createLink` takes them. Read once: give the provider another `key` to connect as somebody else. */
  readonly options?: SharedLinkOptions
  readonly children?: ReactNode
}

/** A provider that is mounted again within this time keeps its connection. */
const LINGER_MS = 100

const ClientContext = createContext<Client | undefined>(undefined)
const LinkContext = createContext<SharedLink | undefined>(undefined)

/** Gives the `<RoomfulProvider namespace="…">`s below it one link to share: one WebSocket, as one user. */
export function LinkProvider({ url, options, children }: LinkProviderProps): ReactElement {
  const [link] = useState(() => createLink(url, options))
  return <LinkContext value={link}>{children}</LinkContext>
}

/** Nest one inside another to use a second namespace below it: hooks take the nearest. */
export function RoomfulProvider<C extends AnyContract = undefined>(props: RoomfulProviderProps<C>): ReactElement {
  if ('namespace' in props) return <SharingClient {...props} />
  if ('url' in props) return <OwnClient {...props} />
  // The context cannot carry the contract; whoever reads it says which one it is.
  return <ClientContext value={props.client as unknown as Client}>{props.children}</ClientContext>
}

function OwnClient({ url, options, children }: OwnClientProps): ReactElement {
  return <Connected make={() => new Client(url, { ...options, autoConnect: false })}>{children}</Connected>
}

function SharingClient({ namespace, options, children }: SharingProps): ReactElement {
  const link = useContext(LinkContext)
  if (!link) throw new Error('There is no <LinkProvider> around this <RoomfulProvider namespace>')
  return <Connected make={() => link.connect({ ...options, namespace, autoConnect: false })}>{children}</Connected>
}

/** @param make called once. Making a client does nothing yet, so the second one of Strict Mode's double render costs nothing */
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
