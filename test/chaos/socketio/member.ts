/**
 * A member of the chat: the official client, as applications use it. It says one thing after another, and asks for what the room
 * had where it did not come back as who it was.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'

/** What the application sends with each message. */
export interface Said {
  readonly key: string
  readonly name: string
  /** The socket that it left out. */
  readonly from: string
}

/** What happened to a member. */
export type MemberFact =
  | { readonly what: 'says' | 'answered' | 'unanswered'; readonly key: string }
  | { readonly what: 'receives'; readonly said: Said }
  /** It is in the room, and has what the room had: the latest of it, oldest first. */
  | { readonly what: 'enters'; readonly history: readonly Said[] }
  /** It is connected again, and the server says that it missed nothing. */
  | { readonly what: 'recovers' }
  /** It is connected again as another socket. */
  | { readonly what: 'begins again' }
  | { readonly what: 'is wrong'; readonly problem: string }

export interface MemberOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly transports: readonly string[]
  /** What is not durable must not be missing either where it comes back. */
  readonly needsNotices: boolean
  readonly paceMs: number
  record(name: string, fact: MemberFact): void
}

interface Page {
  readonly events: readonly { readonly event: string; readonly args: readonly [Said]; readonly seq: number }[]
  readonly more: boolean
}

interface Notice {
  readonly run: string
  readonly number: number
}

const ANSWER_MS = 4_000
const AGAIN_MS = 200

export class Member {
  readonly name: string
  /** Keys that it has. */
  readonly known = new Set<string>()
  private readonly options: MemberOptions
  private readonly socket: Socket
  private isIn = false
  private hasBeenIn = false
  /** What came while it asked for what the room had. */
  private early: Said[] = []
  /** What it has from there, and may be sent once more. */
  private fromHistory = new Set<string>()
  private latest: Notice | undefined
  private isOver = false
  private readonly done: Promise<void>

  constructor(options: MemberOptions) {
    const { name, url, transports } = options
    this.name = name
    this.options = options
    this.socket = io(url, {
      transports: [...transports],
      auth: { name },
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 300,
      timeout: 5_000,
    })
    this.socket.on('connect', () => this.onConnect())
    this.socket.on('message:new', (said: Said) => this.onSaid(said))
    this.socket.on('notice', (notice: Notice) => this.onNotice(notice))
    this.done = this.keepSaying()
  }

  get isThere(): boolean {
    return this.isIn && this.socket.connected
  }

  /** Says nothing more. */
  async finish(): Promise<void> {
    this.isOver = true
    await this.done
  }

  close(): void {
    this.isOver = true
    this.socket.disconnect()
  }

  private record(fact: MemberFact): void {
    this.options.record(this.name, fact)
  }

  private onConnect(): void {
    if (this.socket.recovered && this.isIn) return this.record({ what: 'recovers' })
    if (!this.socket.recovered) this.latest = undefined
    if (!this.socket.recovered && this.hasBeenIn) this.record({ what: 'begins again' })
    this.isIn = false
    this.early = []
    void this.join(this.socket.id)
  }

  private async join(id: string | undefined): Promise<void> {
    const { room } = this.options
    const ask = (event: string, ...args: unknown[]): Promise<Page> =>
      this.socket.timeout(ANSWER_MS).emitWithAck(event, ...args)
    const isCurrent = (): boolean => this.socket.connected && this.socket.id === id && !this.isIn
    while (isCurrent()) {
      try {
        let page = await ask('join', room)
        let history = page.events
        while (page.more && !history.some(({ args: [{ key }] }) => this.known.has(key))) {
          page = await ask('page', room, history[0]?.seq)
          history = [...page.events, ...history]
        }
        if (isCurrent()) this.enter(history.map(({ args: [said] }) => said))
      } catch {
        await delay(AGAIN_MS)
      }
    }
  }

  private enter(history: readonly Said[]): void {
    this.fromHistory = new Set(history.map(({ key }) => key))
    for (const key of this.fromHistory) this.known.add(key)
    this.isIn = true
    this.hasBeenIn = true
    this.record({ what: 'enters', history })
    for (const said of this.early.splice(0)) this.onSaid(said)
  }

  private onSaid(said: Said): void {
    const { key, from, name } = said
    if (from === this.socket.id) this.record({ what: 'is wrong', problem: `was sent its own ${key}` })
    if (name === this.name) return
    if (!this.isIn) this.early.push(said)
    else if (!this.fromHistory.delete(key)) {
      this.known.add(key)
      this.record({ what: 'receives', said })
    }
  }

  /** They are numbered by each run of the application. */
  private onNotice(notice: Notice): void {
    const { latest } = this
    this.latest = notice
    if (!this.options.needsNotices || !latest) return
    const expected = latest.run === notice.run ? latest.number + 1 : 1
    if (notice.number === expected) return
    this.record({ what: 'is wrong', problem: `got notice ${notice.number} instead of ${expected}` })
  }

  private async keepSaying(): Promise<void> {
    const { room, paceMs } = this.options
    while (!this.isOver) {
      await delay(paceMs)
      if (!this.isThere) continue
      const key = crypto.randomUUID()
      this.known.add(key)
      this.record({ what: 'says', key })
      const answer: { ok?: boolean } = await this.socket
        .timeout(ANSWER_MS)
        .emitWithAck('say', room, key)
        .catch(() => ({}))
      this.record({ what: answer.ok ? 'answered' : 'unanswered', key })
    }
  }
}
