/** What applications see of a connection: `socket.conn`, with the interface of Engine.IO's `Socket`. */
import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Protocol } from '../frames.ts'
import type { Engine } from './server.ts'
import type { MessageData, SendCallback, SendOptions, Session } from './session.ts'

/** The transport of a connection at the moment. */
export class TransportView extends EventEmitter {
  private readonly session: Session

  constructor(session: Session) {
    super()
    this.session = session
  }

  get name(): 'polling' | 'websocket' {
    return this.session.isPolling ? 'polling' : 'websocket'
  }

  get sid(): string {
    return this.session.sid
  }

  get writable(): boolean {
    return this.session.isWritable
  }

  get readyState(): string {
    return this.session.readyState
  }

  get protocol(): Protocol {
    return this.session.protocol
  }
}

/** The WebSocket that a client which polls is about to change to. It emits `close` where that fails. */
export class ProbedTransport extends EventEmitter {
  readonly name = 'websocket'
}

export class EngineSocket extends EventEmitter {
  readonly transport: TransportView
  /** The first request. Applications may replace or delete it. */
  declare request: IncomingMessage
  private readonly session: Session

  constructor(session: Session) {
    super()
    this.session = session
    this.transport = new TransportView(session)
    Object.defineProperty(this, 'request', {
      configurable: true,
      enumerable: true,
      get: () => session.request,
      set: (request) => {
        session.request = request
      },
    })
  }

  get id(): string {
    return this.session.sid
  }

  get protocol(): Protocol {
    return this.session.protocol
  }

  get remoteAddress(): string | undefined {
    return this.session.remoteAddress
  }

  get server(): Engine {
    return this.session.engine
  }

  get readyState(): 'open' | 'closing' | 'closed' {
    return this.session.readyState
  }

  /** What has not been handed to the transport yet, as frames. */
  get writeBuffer(): readonly Uint8Array[] {
    return this.session.unsent
  }

  get upgraded(): boolean {
    return this.session.upgraded
  }

  send(data: MessageData, options?: SendOptions | SendCallback, callback?: SendCallback): this {
    if (typeof options === 'function') this.session.sendMessage(data, {}, options)
    else this.session.sendMessage(data, options ?? {}, callback)
    return this
  }

  write(data: MessageData, options?: SendOptions | SendCallback, callback?: SendCallback): this {
    return this.send(data, options, callback)
  }

  /** @param discard what was not sent yet is dropped */
  close(discard?: boolean): void {
    if (discard) this.session.cut()
    else this.session.end('forced close')
  }
}
