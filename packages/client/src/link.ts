/**
 * One attempt at a link: credentials, a transport, the frames on it, its heartbeat. A link ends once, and after `drop` it
 * calls nothing, so that a late message of an earlier link is never taken for one of the current link (C18).
 */
import { type DownFrame, PROTOCOL_VERSION, type UpFrame } from '@roomful/protocol'
import type { Ending } from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import type { Clock, Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import { readFrames } from './events.ts'
import { CUT_OFF, type OpenTransport, type Transport, type TransportName } from './transports/transport.ts'

export interface LinkOptions {
  readonly environment: Environment
  readonly credentials: Credentials
  readonly openTransport: OpenTransport
  readonly namespace: string
  /** The session to resume. */
  readonly session: string | undefined
  readonly onCarrier: (name: TransportName) => void
  readonly onOpen: () => void
  readonly onFrame: (frame: DownFrame) => void
  /** The link ended, and not by `drop`. Called once. */
  readonly onEnd: (ending: Ending) => void
}

export class Link {
  readonly #options: LinkOptions
  /** The owner starts it when the session is open: only then must the server answer a ping. */
  declare readonly heartbeat: Heartbeat
  /** The token that this link authenticated with. */
  declare token: string | undefined
  #transport: Transport | undefined
  #isOver = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.heartbeat = new Heartbeat(
      options.environment.clock,
      () => this.write({ type: 'ping' }),
      () => this.end({ code: CUT_OFF, reason: 'No answer in time' }),
    )
  }

  /** Resolves when a transport is opening, or none could be had. Never rejects. */
  async start(): Promise<void> {
    const { credentials, openTransport, namespace, session, onCarrier, onOpen } = this.#options
    let proof: Awaited<ReturnType<Credentials['forOpening']>>
    try {
      // Credentials first: the server closes a link on which none arrive in time.
      proof = await credentials.forOpening()
    } catch (cause) {
      return this.#fail('NO_CREDENTIALS', cause)
    }
    if (this.#isOver) return
    this.token = proof.token
    try {
      this.#transport = openTransport({
        onCarrier,
        onOpen: () => {
          if (this.#isOver) return
          onOpen()
          this.write({ type: 'open', v: PROTOCOL_VERSION, ch: this.channel, ns: namespace, ...proof, session })
        },
        onMessage: (text) => this.#receive(text),
        onClose: (code, reason) => this.end({ code, reason }),
      })
    } catch (cause) {
      this.#fail('NOT_CONNECTED', cause)
    }
  }

  /** @param rest of a frame, after its channel */
  send(rest: string): void {
    this.#transmit(`{"ch":${this.channel},${rest}`)
  }

  write(frame: UpFrame): void {
    this.#transmit(JSON.stringify(frame))
  }

  get channel(): number {
    return this.#transport?.channel ?? 1
  }

  /** Ends it without calling its owner. */
  drop(manner: 'goodbye' | 'cut'): void {
    if (this.#isOver) return
    this.#isOver = true
    this.heartbeat.stop()
    this.#transport?.close(manner)
  }

  /** Ends it on this side, whether its transport noticed the end or not. */
  end(ending: Ending): void {
    if (this.#isOver) return
    this.drop('cut')
    this.#options.onEnd(ending)
  }

  #transmit(text: string): void {
    if (!this.#isOver) this.#transport?.send(text)
  }

  #fail(code: 'NO_CREDENTIALS' | 'NOT_CONNECTED', cause: unknown): void {
    if (this.#isOver) return
    const error = new RoomfulError(code, undefined, { cause })
    this.#options.environment.onError(error)
    this.end({ code: CUT_OFF, reason: error.message, error: { code, message: error.message } })
  }

  #receive(text: string): void {
    const { environment, onFrame } = this.#options
    this.heartbeat.handleMessage()
    const onInvalid = (): void => environment.onError(new RoomfulError('PARSE_ERROR', 'The server sent no JSON object'))
    for (const frame of readFrames(text, onInvalid)) {
      if (this.#isOver) return
      onFrame(frame)
    }
  }
}

/** As `welcome` announces them. 0 means unchanged. */
export interface HeartbeatTimes {
  readonly pingIntervalMs: number
  readonly pongTimeoutMs: number
}

/**
 * Notices a dead link that was never closed. A browser's WebSocket does not show the server's pings, so the client pings a
 * silent link itself, and ends it when nothing arrives after that either.
 */
class Heartbeat {
  readonly #clock: Clock
  readonly #sendPing: () => void
  readonly #onDead: () => void
  // Until `welcome` sets others.
  #intervalMs = 30_000
  #timeoutMs = 5_000
  #lastMessageMs = 0
  #cancel: (() => void) | undefined
  #isProbing = false

  constructor(clock: Clock, sendPing: () => void, onDead: () => void) {
    this.#clock = clock
    this.#sendPing = sendPing
    this.#onDead = onDead
  }

  configure({ pingIntervalMs, pongTimeoutMs }: HeartbeatTimes): void {
    this.#intervalMs = pingIntervalMs || this.#intervalMs
    this.#timeoutMs = pongTimeoutMs || this.#timeoutMs
    if (this.#cancel && !this.#isProbing) this.#watch(this.#intervalMs)
  }

  start(): void {
    this.handleMessage()
    this.#isProbing = false
    this.#watch(this.#intervalMs)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#isProbing = false
  }

  /** Sets no timer, since there are many messages: the next timer compares the times. */
  handleMessage(): void {
    this.#lastMessageMs = this.#clock.monotonic()
  }

  /** Pings now: the network changed, or the page was suspended. */
  probe(): void {
    if (!this.#cancel || this.#isProbing) return
    this.#isProbing = true
    const pingedAtMs = this.#clock.monotonic()
    this.#sendPing()
    this.#schedule(this.#timeoutMs, () => {
      this.#isProbing = false
      if (this.#lastMessageMs < pingedAtMs) return this.#onDead()
      this.#watch(this.#intervalMs - (this.#clock.monotonic() - this.#lastMessageMs))
    })
  }

  #watch(delayMs: number): void {
    this.#schedule(Math.max(0, delayMs), () => {
      const idleMs = this.#clock.monotonic() - this.#lastMessageMs
      if (idleMs >= this.#intervalMs) this.probe()
      else this.#watch(this.#intervalMs - idleMs)
    })
  }

  #schedule(delayMs: number, fn: () => void): void {
    this.#cancel?.()
    this.#cancel = this.#clock.after(delayMs, fn)
  }
}
