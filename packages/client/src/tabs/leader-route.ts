/**
 * The way to a hub in one of the tabs, where there is no shared worker. The tab that holds the group's lock leads; the browser
 * gives it to the next one when the leader ends. Each tab has a channel of its own for what it receives, so that a frozen one
 * keeps only its own messages waiting.
 */
import type { Hub, TabGuest } from './hub.ts'
import { type Locks, untilFree } from './locks.ts'
import type { FromHub, FromTab } from './messages.ts'
import type { Route, RouteOptions } from './route.ts'

/** To all tabs. */
type Announcement =
  | { readonly type: 'leader'; readonly lock: string }
  /** It leads no more. The next one announces itself. */
  | { readonly type: 'resigned'; readonly lock: string }
  /** A new tab asks who leads. */
  | { readonly type: 'who' }

/** To one tab. @property from the lock of the sender */
interface Letter {
  readonly from: string
  /** Of those from the hub: 0, 1, 2, … since `ready`. A page that stood still may have lost some. */
  readonly n?: number
  readonly message: FromTab | FromHub
}

export interface LeaderPlatform {
  readonly locks: Locks
  readonly BroadcastChannel: typeof BroadcastChannel
  readonly makeHub: () => Hub
}

export function leaderRoute(platform: LeaderPlatform, options: RouteOptions): Route {
  return new LeaderRoute(platform, options)
}

class LeaderRoute implements Route {
  readonly #platform: LeaderPlatform
  readonly #options: RouteOptions
  readonly #stop = new AbortController()
  readonly #everyone: BroadcastChannel
  readonly #inbox: BroadcastChannel
  /** Its lock; that of this tab, when it leads itself. */
  #leader: string | undefined
  #outbox: BroadcastChannel | undefined
  #received = 0
  #own: { readonly hub: Hub; readonly guest: TabGuest; readonly resign: () => void } | undefined
  readonly #guests = new Map<string, TabGuest>()
  #isOver = false

  constructor(platform: LeaderPlatform, options: RouteOptions) {
    this.#platform = platform
    this.#options = options
    const { group, lock } = options
    this.#everyone = new platform.BroadcastChannel(`roomful ${group}`)
    this.#everyone.onmessage = ({ data }: MessageEvent<Announcement>) => this.#handleAnnouncement(data)
    this.#inbox = new platform.BroadcastChannel(`roomful ${group} ${lock}`)
    this.#inbox.onmessage = ({ data }: MessageEvent<Letter>) => this.#handleLetter(data)
    const leading = platform.locks.request(`roomful lead ${group}`, { signal: this.#stop.signal }, () => this.#lead())
    leading.catch(() => undefined) // ended before it was its turn
    this.#everyone.postMessage({ type: 'who' } satisfies Announcement)
  }

  get leads(): Route['leads'] {
    if (!this.#own) return 'no'
    return this.#guests.size === 0 ? 'alone' : 'others'
  }

  post(message: FromTab): void {
    if (this.#own) {
      const { guest } = this.#own
      // Later, as with every other hub: no call is answered from within it.
      queueMicrotask(() => message.type !== 'hello' && guest.handle(message))
    } else this.#outbox?.postMessage({ from: this.#options.lock, message } satisfies Letter)
  }

  end(): void {
    this.#isOver = true
    this.#stop.abort()
    if (this.#own) {
      this.#own.hub.close()
      this.#everyone.postMessage({ type: 'resigned', lock: this.#options.lock } satisfies Announcement)
      this.#own.resign()
    }
    this.#own = undefined
    for (const channel of [this.#everyone, this.#inbox, this.#outbox]) channel?.close()
  }

  /** @returns once this tab leads no more */
  #lead(): Promise<void> | undefined {
    if (this.#isOver) return undefined
    const { lock, onMessage } = this.#options
    const hub = this.#platform.makeHub()
    const forever = new Promise<unknown>(() => undefined)
    const guest = hub.admit((message) => queueMicrotask(() => this.#isOver || onMessage(message)), forever)
    const led = new Promise<void>((resign) => {
      this.#own = { hub, guest, resign }
    })
    this.#follow(lock)
    this.#everyone.postMessage({ type: 'leader', lock } satisfies Announcement)
    return led
  }

  #handleAnnouncement(announcement: Announcement): void {
    if (announcement.type === 'leader') this.#follow(announcement.lock)
    else if (announcement.type === 'resigned') {
      if (this.#leader !== announcement.lock) return
      this.#leader = undefined
      this.#options.onGone(false)
    } else if (this.#own)
      this.#everyone.postMessage({ type: 'leader', lock: this.#options.lock } satisfies Announcement)
  }

  #follow(leader: string): void {
    if (this.#leader === leader) return
    const { group, lock, config, onGone, onReady } = this.#options
    const hadOne = this.#leader !== undefined
    this.#leader = leader
    this.#outbox?.close()
    this.#outbox = undefined
    if (hadOne) onGone(false)
    if (leader === lock) return onReady()
    this.#outbox = new this.#platform.BroadcastChannel(`roomful ${group} ${leader}`)
    this.post({ type: 'hello', lock, config })
  }

  /** Something of what the leader sent is missing: this tab registers once more, and its clients resume. */
  #startOver(): void {
    const { lock, config, onGone } = this.#options
    this.#received = Number.POSITIVE_INFINITY // until it is `ready`
    onGone(false)
    this.post({ type: 'hello', lock, config })
  }

  #handleLetter({ from, n = 0, message }: Letter): void {
    if (this.#own) return this.#handleGuest(from, message as FromTab)
    if (from !== this.#leader) return
    if (message.type === 'ready') {
      this.#received = 1
      return this.#options.onReady()
    }
    if (n > this.#received) return this.#startOver()
    this.#received++
    this.#options.onMessage(message as FromHub)
  }

  #handleGuest(from: string, message: FromTab): void {
    if (message.type !== 'hello') return this.#guests.get(from)?.handle(message)
    const { group, lock } = this.#options
    const { BroadcastChannel, locks } = this.#platform
    this.#guests.get(from)?.end('leave')
    const outbox = new BroadcastChannel(`roomful ${group} ${from}`)
    let n = 0
    const post = (letter: FromHub): void => {
      if (this.#isOver || this.#guests.get(from) !== guest) return
      outbox.postMessage({ from: lock, n: n++, message: letter } satisfies Letter)
    }
    const gone = untilFree(locks, from, this.#stop.signal)
    const guest = (this.#own as { hub: Hub }).hub.admit(post, gone)
    this.#guests.set(from, guest)
    post({ type: 'ready' })
    gone.then(
      () => {
        if (this.#guests.get(from) === guest) this.#guests.delete(from)
        outbox.close()
      },
      () => outbox.close(),
    )
  }
}
