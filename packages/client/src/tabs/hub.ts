/**
 * The one side that has the link: the shared worker, or the tab that leads. Each attempt of a tab is a channel of it, so each
 * tab keeps its own connection, session and presence. Runs wherever it is put: it uses no globals. D13.
 */
import type { Clock } from '../environment.ts'
import { type Channel, LinkPool } from '../multiplexer.ts'
import type { OpenTransport } from '../transports/transport.ts'
import { type FromHub, type FromTab, type Manner, sizeOf } from './messages.ts'

/**
 * Most that waits for a tab that does not read, in bytes. One more message, and its channels are left: what is in the log it
 * gets when it resumes. As much as the server keeps for a client that does not read.
 */
export const UNREAD_MAX_BYTES = 1024 * 1024
/** The server's code for a client that does not read. Reconnect, and resume. */
const TOO_SLOW = 4008
/** The frame that opens a channel. The server keeps its session when the link ends with the process that has it. */
const OPEN = /^\{"type":"open",/
const SHARED_OPEN = '{"type":"open","shared":true,'
/** A link that brought a message within this time works, whatever a single tab believes: two heartbeats and a bit, ms. */
const ALIVE_MS = 40_000
/** What a tab sent last may come after its lock was released, ms. */
const LAST_WORDS_MS = 500

export interface HubOptions {
  readonly openTransport: OpenTransport
  readonly clock: Clock
}

export class Hub {
  readonly #links: LinkPool
  readonly #clock: Clock
  readonly #guests = new Set<TabGuest>()

  constructor({ openTransport, clock }: HubOptions) {
    this.#links = new LinkPool(openTransport, () => clock.monotonic())
    this.#clock = clock
  }

  /**
   * @param post to the tab
   * @param gone resolves when the tab lives no more
   */
  admit(post: (message: FromHub) => void, gone: Promise<unknown>): TabGuest {
    const guest = new TabGuest(this.#links, post, (at) => this.#signOut(at))
    this.#guests.add(guest)
    gone.then(
      () =>
        this.#clock.after(LAST_WORDS_MS, () => {
          this.#guests.delete(guest)
          guest.end('goodbye')
        }),
      () => undefined, // nothing tells: it says itself when it goes
    )
    return guest
  }

  /** For all tabs. */
  report(code: string, message: string): void {
    for (const guest of this.#guests) guest.post({ type: 'error', code, message })
  }

  /** Ends its links without a goodbye: another hub takes over, and the sessions are resumed there. */
  close(): void {
    for (const guest of this.#guests) guest.closeAll('leave', 1006, 'Another tab has the connection from now on')
    this.#guests.clear()
  }

  #signOut(at: number): void {
    for (const guest of this.#guests) {
      guest.end('goodbye')
      guest.post({ type: 'signed-out', at })
    }
  }
}

/** One tab, as the hub sees it. */
export class TabGuest {
  readonly post: (message: FromHub) => void
  readonly #links: LinkPool
  readonly #onSignOut: (at: number) => void
  readonly #channels = new Map<number, Channel>()
  #unreadBytes = 0

  constructor(links: LinkPool, post: (message: FromHub) => void, onSignOut: (at: number) => void) {
    this.#links = links
    this.post = post
    this.#onSignOut = onSignOut
  }

  handle(message: Exclude<FromTab, { type: 'hello' }>): void {
    switch (message.type) {
      case 'attach':
        return this.#attach(message.id)
      case 'send':
        return this.#channels.get(message.id)?.send(message.text.replace(OPEN, SHARED_OPEN))
      case 'detach':
        return this.#detach(message.id, message.manner)
      case 'read':
        this.#unreadBytes = Math.max(0, this.#unreadBytes - message.size)
        return
      case 'away':
        return this.end('leave')
      case 'sign-out':
        return this.#onSignOut(message.at)
      default:
        message satisfies never // of a later version
    }
  }

  end(manner: Manner): void {
    for (const id of [...this.#channels.keys()]) this.#detach(id, manner)
  }

  closeAll(manner: Manner, code: number, reason: string): void {
    for (const id of [...this.#channels.keys()]) {
      this.#detach(id, manner)
      this.post({ type: 'close', id, code, reason })
    }
  }

  #attach(id: number): void {
    this.post({ type: 'attached', id })
    try {
      const channel = this.#links.attach({
        onCarrier: (name) => this.post({ type: 'carrier', id, name }),
        onOpen: () => this.post({ type: 'open', id, channel: channel.channel }),
        onMessage: (text) => this.#deliver(id, text),
        onClose: (code, reason) => {
          this.#channels.delete(id)
          this.post({ type: 'close', id, code, reason })
        },
      })
      this.#channels.set(id, channel)
    } catch (cause) {
      this.post({ type: 'close', id, code: 1006, reason: String(cause) })
    }
  }

  #deliver(id: number, text: string): void {
    // A tab notices by its own ping that the link is alive.
    if (text === '') return
    this.#unreadBytes += sizeOf(text)
    if (this.#unreadBytes <= UNREAD_MAX_BYTES) this.post({ type: 'message', id, text })
    else this.closeAll('leave', TOO_SLOW, 'The tab does not read')
  }

  #detach(id: number, manner: Manner): void {
    const channel = this.#channels.get(id)
    if (!channel) return
    this.#channels.delete(id)
    if (manner === 'leave' || (manner === 'cut' && channel.wasAlive(ALIVE_MS))) channel.leave()
    else channel.close(manner)
  }
}
