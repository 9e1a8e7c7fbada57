/**
 * A protocol of the application over a link: bytes that are no events and no requests, such as those of Yjs. Its link has
 * the limits of every other (origin, address, heartbeat, drain, slowness), and its connection is in one room of a
 * namespace. So checks, rules and presence apply, and bans, changes of role and expiring tokens take effect as everywhere.
 */
import { CLOSE_CODES, type WireError } from '@roomful/protocol'
import type { RoomAction } from './base/contract.ts'
import { RoomfulError, toRoomfulError } from './base/errors.ts'
import { AbuseCounter } from './base/limits.ts'
import type { Runtime } from './base/runtime.ts'
import type { HttpConnections } from './http-connection.ts'
import type { Link, LinkOwner } from './link/link.ts'
import type { User } from './ports/users.ts'
import type { Access } from './rooms/access.ts'
import type { Lifecycle } from './sessions/lifecycle.ts'
import type { Arrival } from './sessions/links.ts'
import type { NamespaceParts } from './sessions/namespaces.ts'
import type { SharedLimits } from './state/limits.ts'
import type { Connection } from './state/namespace-state.ts'

/** Messages that may come before the protocol is ready for them; more of them, or more bytes than one may have: 1008. */
const EARLY_MAX = 64

/**
 * A protocol of an application, served by `roomful.protocol`: binary messages that are no events, such as those of Yjs.
 * @example
 * const echo: Protocol = {
 *   name: 'echo',
 *   maxMessageBytes: 65_536,
 *   ratePerSecond: 100,
 *   open: (connection) => ({ handleMessage: (data) => connection.send(data) }),
 * }
 */
export interface Protocol {
  /** The name of its links in metrics. */
  readonly name: string
  /** Largest message in bytes; a larger one closes the connection with 1009. */
  readonly maxMessageBytes: number
  /** Ten times as many messages per second, over 5 s, close the connection with 1008; 0 = off. */
  readonly ratePerSecond: number
  /**
   * A client joined its room. Messages that it sent meanwhile follow once there is a handler.
   * @throws what it throws, or rejects with, refuses the client and closes its connection
   */
  open(connection: ProtocolConnection): ProtocolHandler | Promise<ProtocolHandler>
  /** A refusal in the form of the protocol, sent before the close; nothing is sent without it. */
  refusal?(error: WireError): Uint8Array
}

/** Handles what one client of a {@link Protocol} sends. */
export interface ProtocolHandler {
  /**
   * One binary message.
   * @throws what it throws is reported, and closes the connection with 1011
   */
  handleMessage(data: Uint8Array): void
  /** The client was slow and reads again: send what was held back. */
  onDrained?(): void
  /** The user has another name or role, or a new token. */
  onUserChanged?(): void
  /** The connection is closed. Called once. */
  onClosed?(): void
}

/** One client of a {@link Protocol}, in its room. */
export interface ProtocolConnection {
  /** The room that the client joined. */
  readonly roomId: string
  /** Id of the connection, which begins with `c_`. */
  readonly id: string
  /** Who is connected, as of the latest token and role. */
  readonly user: User
  /** Whose quota pays for what is stored: the user's id, or one id for all guests of an address. */
  readonly account: string
  /** False once the connection is closed. */
  readonly isOpen: boolean
  /** The client reads too slowly: wait for `onDrained`, since only 1 MiB more may wait before it is closed. G5. */
  readonly isSlow: boolean
  /**
   * Asks the rule of the room for an action.
   * @throws what a rule throws (rejects)
   * @example if (!(await connection.may('publish'))) connection.close(4003, 'Read only')
   */
  may(action: RoomAction): Promise<boolean>
  /** Queues one binary message. The same array for many clients is framed once; do not change it afterwards. */
  send(data: Uint8Array): void
  /**
   * Sends what is queued and closes the connection.
   * @param code a WebSocket close code
   * @param reason at most 123 bytes of UTF-8
   */
  close(code: number, reason: string): void
}

interface ProtocolParts {
  readonly access: Access
  readonly sharedLimits: SharedLimits
  readonly control: ConnectionControl
}

class ProtocolClient implements ProtocolConnection {
  readonly roomId: string
  private readonly access: Access
  private readonly sharedLimits: SharedLimits
  private readonly control: ConnectionControl
  private readonly connection: Connection
  private readonly frame: (data: Uint8Array) => Uint8Array

  constructor(
    { access, sharedLimits, control }: ProtocolParts,
    connection: Connection,
    roomId: string,
    frame: (data: Uint8Array) => Uint8Array,
  ) {
    this.access = access
    this.sharedLimits = sharedLimits
    this.control = control
    this.connection = connection
    this.roomId = roomId
    this.frame = frame
  }

  get id(): string {
    return this.connection.id
  }

  get user(): User {
    return this.connection.user
  }

  get account(): string {
    return this.sharedLimits.writerOf(this.connection)
  }

  get isOpen(): boolean {
    return this.connection.stage === 'open'
  }

  get isSlow(): boolean {
    return this.connection.link.slow
  }

  async may(action: RoomAction): Promise<boolean> {
    try {
      return await this.access.may(this.connection, action, this.roomId)
    } catch (error) {
      if (error instanceof RoomfulError && error.code === 'FORBIDDEN') return false
      throw error
    }
  }

  send(data: Uint8Array): void {
    this.connection.link.send(this.frame(data))
  }

  close(code: number, reason: string): void {
    this.control.close(this.connection, code, reason)
  }
}

/** What ends a connection. */
type ConnectionControl = Pick<Lifecycle, 'close'>

interface ProtocolHub {
  readonly runtime: Runtime
  readonly httpConnections: HttpConnections
  readonly lifecycle: Lifecycle
}

/** Everything a transport knows about a link that speaks a protocol. */
export interface ProtocolArrival extends Arrival {
  readonly namespace: NamespaceParts
  readonly protocol: Protocol
  readonly roomId: string
  readonly frame: (data: Uint8Array) => Uint8Array
}

/**
 * From a transport: opens the connection, or closes it as a namespace would. Never rejects.
 * @param onLink called at once, so that the transport can give the link what comes in
 */
export async function acceptProtocolLink(
  hub: ProtocolHub,
  arrival: ProtocolArrival,
  onLink: (link: Link<Connection>) => void,
): Promise<void> {
  const { protocol, roomId, frame } = arrival
  const owner = new ProtocolOwner(hub.runtime, hub.lifecycle, protocol)
  let connection: Connection
  try {
    connection = await hub.httpConnections.enter({ ...arrival, httpMode: 'stream' }, (link) => {
      link.owner = owner
      onLink(link)
      // Until its user is known, what it sends waits in the operating system.
      if (link.connections[0]?.busy) link.wire.pauseReading()
    })
  } catch {
    return // refused and closed, as a connection of the namespace is
  }
  connection.link.wire.pauseReading() // the end of the authentication resumed it
  try {
    const { access, joins, sharedLimits } = arrival.namespace.requests
    const prepared = await joins.prepareUncounted(connection, roomId, undefined)
    if (!joins.commit(prepared)) return
    hub.runtime.turn.endSoon()
    const client = new ProtocolClient({ access, sharedLimits, control: hub.lifecycle }, connection, roomId, frame)
    owner.ready(await protocol.open(client), connection)
  } catch (thrown) {
    const error = toRoomfulError(thrown)
    if (error.code === 'INTERNAL') owner.report(thrown, connection)
    connection.link.fail(0, error, undefined)
    hub.lifecycle.refuse(connection, error, CLOSE_CODES.TRY_LATER.code)
  }
}

class ProtocolOwner implements LinkOwner {
  private readonly runtime: Runtime
  private readonly control: ConnectionControl
  private readonly protocol: Protocol
  private handler: ProtocolHandler | undefined
  private connection: Connection | undefined
  private early: Uint8Array[] = []
  private earlyBytes = 0
  private abuse: AbuseCounter | undefined
  private isOver = false

  constructor(runtime: Runtime, control: ConnectionControl, protocol: Protocol) {
    this.runtime = runtime
    this.control = control
    this.protocol = protocol
  }

  ready(handler: ProtocolHandler, connection: Connection): void {
    if (this.isOver) return void handler.onClosed?.()
    this.handler = handler
    this.connection = connection
    const { early } = this
    this.early = []
    for (const data of early) this.handle(data)
    if (!connection.link.slow) connection.link.wire.resumeReading()
  }

  /** Text is for the dialect (authentication and pings), as is everything before the authentication. */
  receive(link: Link<Connection>, data: string | Uint8Array): boolean {
    if (typeof data === 'string') return false
    const [connection] = link.connections
    if (connection?.stage === 'authenticating' && !connection.busy) return false
    if (this.isAbuse()) link.close(CLOSE_CODES.POLICY.code, 'Rate limit exceeded')
    else if (this.handler) this.handle(data)
    else this.keepEarly(link, data)
    return true
  }

  drained(): void {
    this.handler?.onDrained?.()
  }

  userChanged(): void {
    this.handler?.onUserChanged?.()
  }

  over(): void {
    if (this.isOver) return
    this.isOver = true
    this.early = []
    this.handler?.onClosed?.()
  }

  report(error: unknown, { id: connectionId, user, namespace: { name } }: Connection): void {
    const fact = {
      namespace: name,
      event: this.protocol.name,
      userId: user.sub,
      connectionId,
      payload: undefined,
      error,
    }
    this.runtime.observer.observe({ type: 'handler:failed', ...fact })
  }

  private keepEarly(link: Link<Connection>, data: Uint8Array): void {
    this.early.push(data)
    this.earlyBytes += data.byteLength
    if (this.early.length <= EARLY_MAX && this.earlyBytes <= this.protocol.maxMessageBytes) return
    link.close(CLOSE_CODES.POLICY.code, 'Too many messages before the answer to the first')
  }

  private handle(data: Uint8Array): void {
    const connection = this.connection as Connection
    if (this.isOver) return
    try {
      this.handler?.handleMessage(data)
    } catch (error) {
      this.report(error, connection)
      this.control.close(connection, CLOSE_CODES.INTERNAL.code, 'The message could not be handled')
    }
  }

  private isAbuse(): boolean {
    const { ratePerSecond } = this.protocol
    if (ratePerSecond === 0) return false
    this.abuse ??= new AbuseCounter()
    return this.abuse.isAbuse(this.runtime.clock.monotonic(), ratePerSecond)
  }
}
