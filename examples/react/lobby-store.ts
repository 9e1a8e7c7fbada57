/**
 * What `@roomful/react` does by itself, for the official Socket.IO client: one socket however often React mounts, a join on
 * each connection that was not recovered, and messages by their number, whichever way they come.
 */
import { io, type Socket } from 'socket.io-client'

/** Strict Mode, and going back and forth between pages, unmount and mount within one moment. */
const LINGER_MS = 100

interface Message {
  readonly seq: number
  readonly name: string
  readonly content: string
}

interface Member {
  readonly userId: string
  readonly name: string
}

export interface LobbySnapshot {
  readonly connection: 'connecting' | 'open'
  readonly members: readonly Member[]
  readonly messages: readonly Message[]
}

export class LobbyStore {
  private readonly socket: Socket
  private readonly roomId: string
  private readonly listeners = new Set<() => void>()
  private snapshot: LobbySnapshot = { connection: 'connecting', members: [], messages: [] }
  private lingering: ReturnType<typeof setTimeout> | undefined

  constructor(roomId: string, name: string) {
    this.roomId = roomId
    this.socket = io({ autoConnect: false, auth: { name } })
    this.socket.on('connect', () => this.handleConnect())
    this.socket.on('disconnect', () => this.change({ connection: 'connecting' }))
    this.socket.on('message:new', (message: Message) => this.add([message]))
    this.socket.on('user:joined', (member: Member) => this.change({ members: [...this.without(member), member] }))
    this.socket.on('user:left', (member: Member) => this.change({ members: this.without(member) }))
  }

  /** For `useSyncExternalStore`: the socket is open as long as anyone looks. */
  readonly subscribe = (listener: () => void): (() => void) => {
    clearTimeout(this.lingering)
    this.listeners.add(listener)
    if (!this.socket.active) this.socket.connect()
    return () => {
      this.listeners.delete(listener)
      if (this.listeners.size === 0) this.lingering = setTimeout(() => this.socket.disconnect(), LINGER_MS)
    }
  }

  readonly getSnapshot = (): LobbySnapshot => this.snapshot

  /** Kept by the client while it is away, and sent when it is back. */
  readonly send = (content: string): void => {
    this.socket.emit('message:send', { roomId: this.roomId, content })
  }

  private async handleConnect(): Promise<void> {
    this.change({ connection: 'open' })
    if (this.socket.recovered) return // the server has us in the room, and what we missed is on its way
    const { users } = await this.socket.emitWithAck('room:join', this.roomId)
    const { events } = await this.socket.emitWithAck('history:get', { roomId: this.roomId, limit: 50 })
    this.change({ members: users })
    this.add(events.filter(({ type }: { type: string }) => type === 'message:new'))
  }

  private add(messages: readonly Message[]): void {
    const bySeq = new Map([...this.snapshot.messages, ...messages].map((message) => [message.seq, message]))
    this.change({ messages: Array.from(bySeq.values()).sort((a, b) => a.seq - b.seq) })
  }

  private without({ userId }: Member): Member[] {
    return this.snapshot.members.filter((member) => member.userId !== userId)
  }

  private change(changes: Partial<LobbySnapshot>): void {
    this.snapshot = { ...this.snapshot, ...changes }
    for (const listener of this.listeners) listener()
  }
}
