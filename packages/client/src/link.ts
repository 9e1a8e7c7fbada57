/**
 * One try at a link: credentials, a transport, the frames on it, its heartbeat. It ends once, and a link that was dropped
 * never calls back, so nothing that an earlier one still says can be taken for the present one's (C18).
 */
import { type DownFrame, PROTOCOL_VERSION, type UpFrame } from '@roomful/protocol'
import type { Ending } from './connection-state.ts'
import type { Credentials } from './credentials.ts'
import type { Environment } from './environment.ts'
import { RoomfulError } from './errors.ts'
import { readFrames } from './frames.ts'
import { Heartbeat } from './heartbeat.ts'
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
  /** It is over, and not because it was dropped. Called once. */
  readonly onEnd: (ending: Ending) => void
}

export class Link {
  readonly #options: LinkOptions
  /** Started by its owner when the server let us in: from then on silence means something. */
  readonly heartbeat: Heartbeat
  /** What we proved who we are with. */
  token: string | undefined
  #transport: Transport | undefined
  #isOver = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.heartbeat = new Heartbeat({
      clock: options.environment.clock,
      sendPing: () => this.write({ type: 'ping' }),
      onDead: () => this.end({ code: CUT_OFF, reason: 'No answer in time' }),
    })
  }

  /** Resolves when a transport is on its way, or could not be had. Never rejects. */
  async start(): Promise<void> {
    const { credentials, openTransport, namespace, session, onCarrier } = this.#options
    let proof: Awaited<ReturnType<Credentials['forOpening']>>
    try {
      // The credentials first: a link that waits for them would only run into the server's deadline.
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
          this.#options.onOpen()
          this.write({ type: 'open', v: PROTOCOL_VERSION, ch: this.channel, ns: namespace, ...proof, session })
        },
        onMessage: (text) => this.#receive(text),
        onClose: (code, reason) => this.end({ code, reason }),
      })
    } catch (cause) {
      this.#fail('NOT_CONNECTED', cause)
    }
  }

  /** @param rest of a frame, behind its channel */
  send(rest: string): void {
    this.#say(`{"ch":${this.channel},${rest}`)
  }

  write(frame: UpFrame): void {
    this.#say(JSON.stringify(frame))
  }

  get channel(): number {
    return this.#transport?.channel ?? 1
  }

  /** Ends it without a word to its owner. */
  drop(manner: 'goodbye' | 'cut'): void {
    if (this.#isOver) return
    this.#isOver = true
    this.heartbeat.stop()
    this.#transport?.close(manner)
  }

  /** The link is over for us, whether its transport knows or not. */
  end(ending: Ending): void {
    if (this.#isOver) return
    this.drop('cut')
    this.#options.onEnd(ending)
  }

  #say(text: string): void {
    if (!this.#isOver) this.#transport?.send(text)
  }

  #fail(code: 'NO_CREDENTIALS' | 'NOT_CONNECTED', cause: unknown): void {
    if (this.#isOver) return
    const error = new RoomfulError(code, undefined, { cause })
    this.#options.environment.tell(error)
    this.end({ code: CUT_OFF, reason: error.message, error: { code, message: error.message } })
  }

  #receive(text: string): void {
    this.heartbeat.heard()
    const tellInvalid = (): void =>
      this.#options.environment.tell(new RoomfulError('PARSE_ERROR', 'The server sent no JSON object'))
    for (const frame of readFrames(text, tellInvalid)) {
      if (this.#isOver) return
      this.#options.onFrame(frame)
    }
  }
}
