/**
 * A document as this browser has it open: its text, who else is in it, and how it stands between here and the server. The
 * official `y-websocket` provider does the talking; two messages of Roomful's own say whether one may write and what is
 * stored.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { type Colour, colourOf } from './colours.ts'

const MESSAGE_AUTH = 2
const MESSAGE_ROOMFUL = 100
const RIGHTS = 0
const STORED = 1
/** Typing pauses this long before the server is asked whether it has everything. */
const ASK_AFTER_MS = 150
/** Closes after which coming back would end the same way. */
const FINAL = [1002, 1008, 1009, 4001, 4003]

export interface Person {
  readonly clientId: number
  readonly userId: string
  readonly name: string
  readonly colour: Colour
}

export interface SharedDocumentState {
  readonly link: 'connecting' | 'open' | 'offline' | 'ended'
  /** Everything that was there when we came is here. */
  readonly isLoaded: boolean
  /** Everything written here is stored by the server. */
  readonly isSaved: boolean
  /** Not known before the server has said so. */
  readonly canWrite: boolean | undefined
  /** Why the server refused what was written here, or ended this. */
  readonly refusal: string | undefined
  /** Others who have it open. */
  readonly others: readonly Person[]
}

export interface SharedDocumentOptions {
  readonly documentId: string
  /** Asked before each connection. */
  readonly token: () => string | undefined
  readonly user: { readonly sub: string; readonly name: string }
}

export class SharedDocument {
  readonly doc = new Y.Doc()
  readonly text = this.doc.getText('content')
  readonly provider: WebsocketProvider
  private state: SharedDocumentState = {
    link: 'connecting',
    isLoaded: false,
    isSaved: true,
    canWrite: undefined,
    refusal: undefined,
    others: [],
  }
  private readonly listeners = new Set<() => void>()
  private asked = 0
  private asking: ReturnType<typeof setTimeout> | undefined

  constructor({ documentId, token, user }: SharedDocumentOptions) {
    const protocols = (): string[] => ['roomful.plain', `bearer.${token() ?? ''}`] // in no URL, so in no log
    const url = `${location.origin.replace(/^http/, 'ws')}/yjs`
    this.provider = new WebsocketProvider(url, encodeURIComponent(documentId), this.doc, {
      connect: false,
      disableBc: true, // tabs meet at the server, which knows what is stored
      protocols: protocols(),
      shouldReconnect: ({ code }) => !FINAL.includes(code),
    })
    const { provider } = this
    provider.awareness.setLocalStateField('user', { id: user.sub, name: user.name, colour: colourOf(user.sub) })
    provider.messageHandlers[MESSAGE_ROOMFUL] = (_encoder, decoder) => this.handleRoomful(decoder)
    provider.messageHandlers[MESSAGE_AUTH] = (_encoder, decoder) => this.handleRefusal(decoder)
    provider.on('status', ({ status }) => this.handleStatus(status))
    provider.on('connection-close', () => {
      provider.protocols = protocols()
      this.change({ link: navigator.onLine ? 'connecting' : 'offline' })
    })
    provider.on('closed', ({ reason }) => this.change({ link: 'ended', refusal: this.state.refusal ?? reason }))
    provider.on('sync', (isSynced: boolean) => isSynced && this.handleSynced())
    provider.awareness.on('change', () => this.change({ others: this.othersHere() }))
    this.doc.on('update', (_update: Uint8Array, origin: unknown) => {
      if (origin === provider) return
      this.change({ isSaved: false })
      this.askSoon()
    })
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  readonly getSnapshot = (): SharedDocumentState => this.state

  connect(): void {
    this.provider.connect()
  }

  /** Leaves, and may come back. */
  disconnect(): void {
    clearTimeout(this.asking)
    this.asking = undefined
    this.provider.disconnect()
  }

  private handleStatus(status: string): void {
    if (status === 'connected') {
      this.send(RIGHTS)
      this.change({ link: 'open', refusal: undefined })
    } else if (status === 'connecting') this.change({ link: 'connecting' })
  }

  /** By now the server was offered everything that it lacked. */
  private handleSynced(): void {
    this.change({ isLoaded: true })
    this.ask()
  }

  private handleRoomful(decoder: decoding.Decoder): void {
    const kind = decoding.readVarUint(decoder)
    if (kind === RIGHTS) this.change({ canWrite: decoding.readVarUint(decoder) === 1 })
    else if (kind === STORED && decoding.readVarUint(decoder) === this.asked && !this.asking)
      this.change({ isSaved: true })
  }

  private handleRefusal(decoder: decoding.Decoder): void {
    decoding.readVarUint(decoder)
    this.change({ refusal: decoding.readVarString(decoder) })
  }

  private askSoon(): void {
    this.asking ??= setTimeout(() => this.ask(), ASK_AFTER_MS)
  }

  private ask(): void {
    clearTimeout(this.asking)
    this.asking = undefined
    this.asked++
    this.send(STORED, this.asked)
  }

  private send(...numbers: readonly number[]): void {
    const { ws, wsconnected } = this.provider
    if (!ws || !wsconnected) return // asked again when we are back
    const encoder = encoding.createEncoder()
    for (const number of [MESSAGE_ROOMFUL, ...numbers]) encoding.writeVarUint(encoder, number)
    ws.send(encoding.toUint8Array(encoder) as Uint8Array<ArrayBuffer>)
  }

  private othersHere(): Person[] {
    const { awareness } = this.provider
    return Array.from(awareness.getStates()).flatMap(([clientId, { user }]) =>
      clientId === awareness.clientID ? [] : [personOf(clientId, user)],
    )
  }

  private change(change: Partial<SharedDocumentState>): void {
    this.state = { ...this.state, ...change }
    for (const listener of this.listeners) listener()
  }
}

/** What another client says of itself is whatever it likes. */
export function personOf(clientId: number, user: unknown): Person {
  const { id, name } = (typeof user === 'object' && user !== null ? user : {}) as Record<string, unknown>
  const userId = typeof id === 'string' && id !== '' ? id.slice(0, 128) : String(clientId)
  return {
    clientId,
    userId,
    name: typeof name === 'string' && name ? name.slice(0, 80) : 'Someone',
    colour: colourOf(userId),
  }
}
