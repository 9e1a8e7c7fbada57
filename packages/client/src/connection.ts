/**
 * The shell around the connection's state: it owns the one link and the one timer that a state may have, tells the
 * transition table what happened, and does what the next state asks for.
 */
import { afterClose, type DownFrame, type WireError } from '@roomful/protocol'
import {
  type Attached,
  type ConnectionEvent,
  type ConnectionState,
  type Ending,
  IDLE,
  type User,
} from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import type { Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import {
  type AckFrame,
  type ControlFrame,
  isAck,
  isEvent,
  type ReceivedEvent,
  type RequestFrame,
  readEvent,
} from './frames.ts'
import { Link } from './link.ts'
import { ServerFacts } from './server-facts.ts'
import { transition } from './transitions.ts'
import type { OpenTransport } from './transports/transport.ts'

export interface ConnectionOptions {
  readonly environment: Environment
  readonly credentials: Credentials
  readonly openTransport: OpenTransport
  readonly namespace: string
  /** For a link to open, whatever ways are tried for it. */
  readonly openTimeoutMs: number
  /** For the server to let us in. */
  readonly connectTimeoutMs: number
  readonly onState: (state: ConnectionState, before: ConnectionState) => void
  readonly onEvent: (event: ReceivedEvent) => void
  readonly onAck: (frame: AckFrame) => void
  /** @param reply says it on the link that asked; nothing is said once that is gone */
  readonly onRequest: (frame: RequestFrame, reply: (text: string) => void) => void
}

export class Connection {
  readonly server: ServerFacts
  readonly #options: ConnectionOptions
  #current: ConnectionState = IDLE
  #link: Link | undefined
  #carrier: Attached['transport'] = 'custom'
  #session: string | undefined
  /** What the server refused with before it let us in: the reason of the close that follows. */
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

  /** The server said that it restarts. */
  drain(reconnectAfterMs: number): void {
    this.#handle({ type: 'draining', reconnectAfterMs })
  }

  /** One frame, as frames.ts writes it; dropped when there is no link, which its sender hears of through the state. */
  send(text: string): void {
    this.#link?.send(text)
  }

  #handle(event: ConnectionEvent): void {
    const { clock, chance } = this.#options.environment
    const before = this.#current
    const next = transition(before, event, { nowMs: clock.now(), chance: chance() })
    if (next === before) return
    this.#current = next
    if (next.status !== before.status) this.#enter(next)
    this.#options.onState(next, before)
  }

  /** What a state needs is set up here, after what the one before it had is gone. */
  #enter(state: ConnectionState): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    switch (state.status) {
      case 'connecting':
        this.#dueAfter(this.#options.openTimeoutMs)
        return this.#begin()
      case 'authenticating':
        return this.#dueAfter(this.#options.connectTimeoutMs)
      case 'open':
        return this.#link?.heartbeat.start()
      case 'draining':
        return this.#dueAfter(state.untilMs - this.#options.environment.clock.now())
      case 'waiting':
        this.#link?.drop('cut')
        return this.#dueAfter(state.untilMs - this.#options.environment.clock.now())
      case 'closed':
        this.#link?.drop('goodbye')
        this.#session = undefined
        this.#stopListening?.()
        this.#stopListening = undefined
        return
      default:
        state satisfies { status: 'idle' } // which nothing leads to
    }
  }

  #dueAfter(ms: number): void {
    this.#cancelTimer = this.#options.environment.clock.after(Math.max(0, ms), () => this.#handle({ type: 'due' }))
  }

  #begin(): void {
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
        this.server.learn(frame)
        return this.#link?.heartbeat.configure(frame.heartbeat)
      case 'opened': {
        const { id: connectionId, user, recovered } = frame
        const transport = this.#carrier
        this.server.learn(frame)
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
        return this.#options.environment.tell(RoomfulError.fromWire(frame))
      }
      case 'request': {
        const link = this.#link
        return this.#options.onRequest(frame, (text) => link?.send(text))
      }
      case 'pong':
        return
      default:
        frame satisfies never // a later version's: ignored
    }
  }

  /** New proof on the open connection; should it fail, the server closes with 4002 and the next try gets a fresh token. */
  async #refresh(link: Link | undefined): Promise<void> {
    try {
      const token = await this.#options.credentials.forRefresh(link?.token)
      if (!link || token === undefined) return
      link.token = token
      link.write({ type: 'auth', ch: link.channel, token })
    } catch (cause) {
      this.#options.environment.tell(new RoomfulError('NO_CREDENTIALS', undefined, { cause }))
    }
  }
}
