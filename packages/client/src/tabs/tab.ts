/**
 * One tab's side: finds the hub, hands it what the tab's clients send, and gives them what comes back. When the hub ends, its
 * clients are cut off and resume over the next one. When none answers, a client gets a link of its own: sharing may fail, and
 * the connection must not.
 */
import type { Clock } from '../environment.ts'
import { RoomfulError } from '../errors.ts'
import {
  CUT_OFF,
  GOODBYE,
  type OpenTransport,
  type Transport,
  type TransportHandlers,
} from '../transports/transport.ts'
import { hold, type Locks } from './locks.ts'
import { type FromHub, type FromTab, type HubConfig, type Manner, sizeOf } from './messages.ts'
import type { Route, RouteOptions } from './route.ts'

/** A hub that does not answer within this time is left alone, ms. */
export const ANSWER_MS = 5_000
/** Without a client for this long a tab ends its part in the sharing, ms. */
const LINGER_MS = 5_000
/** It says that it has read each time when this much came together, in bytes. */
const READ_STEP_BYTES = 64 * 1024
const SIGNED_OUT = 'Signed out'

/** What happens to the page. */
export interface PageLife {
  /**
   * @param on.away the page goes to the browser's cache
   * @param on.frozen its code stands still from now on, with everything that it has
   * @param on.back it is there again
   * @returns a function that ends it
   */
  watch(on: { away: () => void; frozen: () => void; back: () => void }): () => void
  /** When a user of the tabs signed out last, ms since 1970, as far as pages keep it for each other. */
  readonly signedOut: { get(): number; set(at: number): void; watch(onChange: () => void): () => void }
}

export interface TabOptions {
  readonly group: string
  readonly config: HubConfig
  readonly locks: Locks
  readonly clock: Clock
  readonly createId: () => string
  readonly page: PageLife
  /** Makes the ways to a hub, best first; each is given up when it is broken. */
  readonly routes: readonly ((options: RouteOptions) => Route)[]
}

/** What a client of this tab brings. */
export interface Asking {
  /** A link of its own, where no hub answers. */
  readonly openOwn: OpenTransport
  readonly onError: (error: RoomfulError) => void
  /** The last sign-out that it knows of. */
  signedOutAt: number
}

export class Tab {
  readonly #options: TabOptions
  readonly #attempts = new Map<number, Attempt>()
  /** Ways that are not broken. */
  #routes: TabOptions['routes']
  #route: Route | undefined
  #isReady = false
  /** The route being made is for this one: a later one makes it void. */
  #generation = 0
  #isAway = false
  #isAlone = false
  #signedOutAt = 0
  #releaseLock: (() => void) | undefined
  #stopWatching: (() => void) | undefined
  #cancelLinger: (() => void) | undefined
  #lastId = 0
  #unsaidBytes = 0

  constructor(options: TabOptions) {
    this.#options = options
    this.#routes = options.routes
  }

  /** When a user of the tabs signed out last. What pages keep for each other may arrive later than the hub's message. */
  get signedOutAt(): number {
    this.#signedOutAt = Math.max(this.#signedOutAt, this.#options.page.signedOut.get())
    return this.#signedOutAt
  }

  open(asking: Asking, handlers: TransportHandlers): Transport {
    const id = ++this.#lastId
    const post = (message: FromAttempt): void => this.#post({ ...message, id } as FromTab)
    const attempt = new Attempt(asking, handlers, { post, clock: this.#options.clock })
    attempt.onOver = () => {
      this.#attempts.delete(id)
      if (this.#attempts.size === 0) this.#linger()
    }
    this.#attempts.set(id, attempt)
    if (asking.signedOutAt < this.signedOutAt) queueMicrotask(() => this.#signOut(attempt))
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    this.#watch()
    this.#start()
    if (!this.#isAway) attempt.arm()
    if (this.#isReady) attempt.ask()
    return attempt
  }

  /** Ends the sessions of all clients of all tabs. */
  signOut(): void {
    const at = this.#options.clock.now()
    this.#options.page.signedOut.set(at)
    this.#post({ type: 'sign-out', at })
    this.#signedOut(at)
  }

  #post(message: FromTab): void {
    if (this.#isReady) this.#route?.post(message)
  }

  #watch(): void {
    if (this.#stopWatching) return
    const { page } = this.#options
    const stops = [
      page.watch({
        away: () => this.#leave(),
        back: () => this.#return(),
        frozen: () => {
          // The others must not wait for a hub that stands still.
          if (this.#route && this.#route.leads !== 'no') this.#leave()
        },
      }),
      page.signedOut.watch(() => this.#signedOut(this.signedOutAt)),
    ]
    this.#stopWatching = () => {
      for (const stop of stops) stop()
    }
  }

  #start(): void {
    if (this.#isAlone) return queueMicrotask(() => this.#openAllAlone())
    if (this.#isAway || this.#releaseLock) return
    this.#makeRoute(++this.#generation).catch(() => this.#beAlone())
  }

  async #makeRoute(generation: number): Promise<void> {
    const { locks, createId, group, config } = this.#options
    const lock = `roomful tab ${createId()}`
    const isCurrent = (): boolean => generation === this.#generation
    // The hub waits for this lock, so it has to be held before the hub knows of it.
    this.#releaseLock = () => undefined
    const release = await hold(locks, lock)
    if (!isCurrent()) return release()
    this.#releaseLock = release
    const next = (): void => {
      const [best] = this.#routes
      if (!best) return this.#beAlone()
      try {
        this.#route = best({
          ...{ group, config, lock },
          onMessage: (message) => isCurrent() && this.#handle(message),
          onReady: () => {
            if (!isCurrent()) return
            this.#isReady = true
            for (const attempt of this.#attempts.values()) attempt.ask()
          },
          onGone: (isBroken) => {
            if (!isCurrent()) return
            this.#isReady = false
            for (const attempt of [...this.#attempts.values()]) attempt.loseHub()
            if (isBroken) giveUp()
          },
        })
      } catch {
        giveUp()
      }
    }
    const giveUp = (): void => {
      this.#route?.end()
      this.#route = undefined
      this.#routes = this.#routes.slice(1)
      next()
    }
    next()
  }

  /** There is no way to share, in this page. */
  #beAlone(): void {
    this.#isAlone = true
    this.#openAllAlone()
  }

  #openAllAlone(): void {
    for (const attempt of [...this.#attempts.values()]) attempt.openOwn()
  }

  #handle(message: FromHub): void {
    if (message.type === 'ready') return
    if (message.type === 'error') {
      const error = new RoomfulError(message.code, message.message)
      const askings = new Set([...this.#attempts.values()].map(({ asking }) => asking))
      for (const { onError } of askings) onError(error)
      return
    }
    if (message.type === 'signed-out') return this.#signedOut(message.at)
    if (message.type === 'message') this.#countRead(sizeOf(message.text))
    this.#attempts.get(message.id)?.handle(message)
  }

  #countRead(size: number): void {
    this.#unsaidBytes += size
    if (this.#unsaidBytes < READ_STEP_BYTES) return
    this.#post({ type: 'read', size: this.#unsaidBytes })
    this.#unsaidBytes = 0
  }

  #signedOut(at: number): void {
    this.#signedOutAt = Math.max(this.#signedOutAt, at)
    for (const attempt of [...this.#attempts.values()]) this.#signOut(attempt)
  }

  #signOut(attempt: Attempt): void {
    attempt.asking.signedOutAt = this.signedOutAt
    attempt.close('goodbye')
    attempt.handlers.onClose(GOODBYE, SIGNED_OUT)
  }

  #leave(): void {
    this.#post({ type: 'away' })
    this.#end()
    this.#isAway = true
    for (const attempt of [...this.#attempts.values()]) {
      attempt.loseHub()
      attempt.cancelTimer()
    }
  }

  #return(): void {
    if (!this.#isAway) return
    this.#isAway = false
    for (const attempt of this.#attempts.values()) attempt.arm()
    if (this.#attempts.size > 0) this.#start()
  }

  #linger(): void {
    this.#cancelLinger ??= this.#options.clock.after(LINGER_MS, () => {
      this.#cancelLinger = undefined
      if (this.#route?.leads === 'others') return
      this.#end()
      this.#stopWatching?.()
      this.#stopWatching = undefined
    })
  }

  #end(): void {
    this.#generation++
    this.#isReady = false
    this.#unsaidBytes = 0
    this.#route?.end()
    this.#route = undefined
    this.#releaseLock?.()
    this.#releaseLock = undefined
  }
}

/** What an attempt sends to the hub, without its id. */
type FromAttempt =
  | { readonly type: 'attach' }
  | { readonly type: 'send'; readonly text: string }
  | { readonly type: 'detach'; readonly manner: Manner }

interface AttemptOptions {
  readonly post: (message: FromAttempt) => void
  readonly clock: Clock
}

/** One attempt of a client at a link: by the hub, or by itself. */
class Attempt implements Transport {
  readonly asking: Asking
  readonly handlers: TransportHandlers
  readonly #options: AttemptOptions
  channel = 1
  /** Called once, at its end. */
  onOver: () => void = () => undefined
  cancelTimer: () => void = () => undefined
  #state: 'waiting' | 'asked' | 'attached' | 'over' = 'waiting'
  #own: Transport | undefined

  constructor(asking: Asking, handlers: TransportHandlers, options: AttemptOptions) {
    this.asking = asking
    this.handlers = handlers
    this.#options = options
  }

  /** Waits for the hub's answer from now on. */
  arm(): void {
    this.cancelTimer()
    if (this.#state === 'waiting' || this.#state === 'asked') {
      this.cancelTimer = this.#options.clock.after(ANSWER_MS, () => this.openOwn())
    }
  }

  ask(): void {
    if (this.#state !== 'waiting' || this.#own) return
    this.#state = 'asked'
    this.#options.post({ type: 'attach' })
  }

  /** Without the hub, which may answer later: too late. */
  openOwn(): void {
    if (this.#own || (this.#state !== 'waiting' && this.#state !== 'asked')) return
    if (this.#state === 'asked') this.#options.post({ type: 'detach', manner: 'leave' })
    this.#state = 'waiting'
    this.cancelTimer()
    try {
      this.#own = this.asking.openOwn({
        ...this.handlers,
        onClose: (code, reason) => {
          if (this.#finish()) this.handlers.onClose(code, reason)
        },
      })
    } catch (cause) {
      if (this.#finish()) this.handlers.onClose(CUT_OFF, String(cause))
    }
  }

  /** The hub is gone, or this tab left it. */
  loseHub(): void {
    if (this.#own) return
    // One that was not answered waits for the next hub.
    if (this.#state === 'asked') this.#state = 'waiting'
    if (this.#state === 'attached' && this.#finish())
      this.handlers.onClose(CUT_OFF, 'The tab with the connection is gone')
  }

  handle(message: Exclude<FromHub, { type: 'ready' | 'error' | 'signed-out' }>): void {
    if (this.#own || this.#state === 'over') return
    const { onCarrier, onOpen, onMessage, onClose } = this.handlers
    switch (message.type) {
      case 'attached':
        this.#state = 'attached'
        return this.cancelTimer()
      case 'carrier':
        return onCarrier?.(message.name)
      case 'open':
        this.channel = message.channel
        return onOpen()
      case 'message':
        return onMessage(message.text)
      case 'close':
        if (this.#finish()) onClose(message.code, message.reason)
        return
      default:
        message satisfies never // of a later version
    }
  }

  send(text: string): void {
    if (this.#own) this.#own.send(text)
    else this.#options.post({ type: 'send', text })
  }

  close(manner: 'goodbye' | 'cut'): void {
    const wasAsked = this.#state !== 'waiting'
    if (!this.#finish()) return
    if (this.#own) this.#own.close(manner)
    else if (wasAsked) this.#options.post({ type: 'detach', manner })
  }

  /** @returns false when it is over already */
  #finish(): boolean {
    if (this.#state === 'over') return false
    this.#state = 'over'
    this.cancelTimer()
    this.onOver()
    return true
  }
}
