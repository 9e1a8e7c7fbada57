/**
 * Runs the connection: it owns the one link and the one timer that a state may have, gives events to the transition table,
 * and does what the next state requires.
 */
import { afterClose, type DownFrame, type Limits, type WireError } from '@roomful/protocol'
import {
  type Attached,
  type ConnectionEvent,
  type ConnectionState,
  type Ending,
  IDLE,
  type User,
} from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import type { Clock, Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import {
  type AckFrame,
  type ControlFrame,
  isAck,
  isEvent,
  type ReceivedEvent,
  type RequestFrame,
  readEvent,
} from './events.ts'
import { Link } from './link.ts'
import { transition } from './transitions.ts'
import type { OpenTransport } from './transports/transport.ts'

export interface ConnectionOptions {
  readonly environment: Environment
  readonly credentials: Credentials
  readonly openTransport: OpenTransport
  readonly namespace: string
  /** For a link to open, ms, over all transports that are tried. */
  readonly openTimeoutMs: number
  /** For the server to open the session, ms. */
  readonly connectTimeoutMs: number
  readonly onState: (state: ConnectionState, before: ConnectionState) => void
  readonly onEvent: (event: ReceivedEvent) => void
  readonly onAck: (frame: AckFrame) => void
  /** @param send answers on the link that the request came from; does nothing when that link is over */
  readonly onRequest: (frame: RequestFrame, send: (text: string) => void) => void
}

export class Connection {
  declare readonly server: ServerFacts
  readonly #options: ConnectionOptions
  #current: ConnectionState = IDLE
  #link: Link | undefined
  #carrier: Attached['transport'] = 'custom'
  #session: string | undefined
  /** A refusal before the session was open: the reason of the close that follows. */
  #refusal: WireError | undefined
  #cancelTimer: (() => void) | undefined
  #stopListening: (() => void) | undefined

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.server = new ServerFacts(options.environment.clock)
  }

  get state(): ConnectionState {
    return this.#current
  }

  connect(): void {
    this.#stopListening ??= this.#options.environment.onWake((isOnline) => {
      this.#link?.heartbeat.probe()
      if (isOnline) this.#handle({ type: 'wake' })
    })
    this.#handle({ type: 'connect' })
  }

  close(): void {
    this.#handle({ type: 'close' })
  }

  /** The server announced its restart. */
  drain(reconnectAfterMs: number): void {
    this.#handle({ type: 'draining', reconnectAfterMs })
  }

  /** @param text a frame after its channel, as requests.ts writes it; dropped when there is no link, as the state shows */
  send(text: string): void {
    this.#link?.send(text)
  }

  #handle(event: ConnectionEvent): void {
    const { clock, random } = this.#options.environment
    const before = this.#current
    const next = transition(before, event, { nowMs: clock.now(), random: random() })
    if (next === before) return
    this.#current = next
    if (next.status !== before.status) this.#enter(next)
    this.#options.onState(next, before)
  }

  /** Sets up what a state needs, after ending what the state before had. */
  #enter(state: ConnectionState): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    switch (state.status) {
      case 'connecting':
        this.#startTimer(this.#options.openTimeoutMs)
        return this.#openLink()
      case 'authenticating':
        return this.#startTimer(this.#options.connectTimeoutMs)
      case 'open':
        return this.#link?.heartbeat.start()
      case 'draining':
        return this.#startTimer(state.untilMs - this.#options.environment.clock.now())
      case 'waiting':
        this.#link?.drop('cut')
        return this.#startTimer(state.untilMs - this.#options.environment.clock.now())
      case 'closed':
        this.#link?.drop('goodbye')
        this.#session = undefined
        this.#stopListening?.()
        this.#stopListening = undefined
        return
      default:
        state satisfies { status: 'idle' } // no transition leads to it
    }
  }

  #startTimer(ms: number): void {
    this.#cancelTimer = this.#options.environment.clock.after(Math.max(0, ms), () => this.#handle({ type: 'due' }))
  }

  #openLink(): void {
    this.#link?.drop('cut')
    this.#refusal = undefined
    const { environment, credentials, openTransport, namespace } = this.#options
    this.#link = new Link({
      ...{ environment, credentials, openTransport, namespace, session: this.#session },
      onCarrier: (transport) => {
        if (transport === this.#carrier) return
        this.#carrier = transport
        this.#handle({ type: 'changed', changes: { transport } })
      },
      onOpen: () => this.#handle({ type: 'link-opened' }),
      onFrame: (frame) => this.#handleFrame(frame),
      onEnd: (ending) => this.#handleEnd(ending),
    })
    this.#link.start() // never rejects
  }

  #handleEnd({ code, reason, error = this.#refusal }: Ending): void {
    const { credentials } = this.#options
    if (afterClose(code) === 'new-token') credentials.refused(this.#link?.token)
    const ending = { code, reason, ...(error && { error }) }
    this.#handle({ type: 'link-closed', canRenew: credentials.canRenew, ending })
  }

  #handleFrame(frame: DownFrame): void {
    if (isEvent(frame)) this.#options.onEvent(readEvent(frame))
    else if (isAck(frame)) this.#options.onAck(frame)
    else this.#handleControl(frame)
  }

  #handleControl(frame: ControlFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.server.update(frame)
        return this.#link?.heartbeat.configure(frame.heartbeat)
      case 'opened': {
        const { id: connectionId, user, recovered } = frame
        const transport = this.#carrier
        this.server.update(frame)
        this.#session = frame.session
        return this.#handle({ type: 'opened', connectionId, user: user as User, recovered, transport })
      }
      case 'closed':
        return this.#link?.end(frame)
      case 'auth_ok':
        return this.#handle({ type: 'changed', changes: { user: frame.user as User } })
      case 'auth_expiring':
        this.#refresh(this.#link) // never rejects
        return
      case 'error': {
        if (this.#current.status === 'authenticating') this.#refusal = frame
        return this.#options.environment.onError(RoomfulError.fromWire(frame))
      }
      case 'request': {
        const link = this.#link
        return this.#options.onRequest(frame, (text) => link?.send(text))
      }
      case 'pong':
        return
      default:
        frame satisfies never // of a later version: ignored
    }
  }

  /** Sends a fresh token. If that fails, the server closes with 4002, and the next attempt gets a fresh token. */
  async #refresh(link: Link | undefined): Promise<void> {
    try {
      const token = await this.#options.credentials.forRefresh(link?.token)
      if (!link || token === undefined) return
      link.token = token
      link.write({ type: 'auth', ch: link.channel, token })
    } catch (cause) {
      this.#options.environment.onError(new RoomfulError('NO_CREDENTIALS', undefined, { cause }))
    }
  }
}

/** What the server announced: its limits, and its time, in which keys are made and ages are measured. */
export class ServerFacts {
  /** From `welcome`; empty before the first one. */
  limits: Partial<Limits> = {}
  readonly #clock: Clock
  #offsetMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  update({ now, limits }: { now?: number; limits?: Record<string, number> }): void {
    if (typeof now === 'number') this.#offsetMs = now - this.#clock.now()
    if (limits) this.limits = limits
  }

  /** Milliseconds since 1970 by the server's clock, as far as it is known. */
  now(): number {
    return this.#clock.now() + this.#offsetMs
  }
}
