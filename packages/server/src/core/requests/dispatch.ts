/**
 * The messages of a connection, one after another: while a request runs, what follows it waits (G1). execution.ts runs each
 * request.
 */
import { CLOSE_CODES, type Inbound } from '@roomful/protocol'
import { toRoomfulError } from '../base/errors.ts'
import type { Request } from '../ports/dialect.ts'
import { takeEvent } from '../state/limits.ts'
import { type Connection, QUEUE_HARD_LIMIT, QUEUE_SOFT_LIMIT } from '../state/namespace-state.ts'
import { Execution } from './execution.ts'
import { epochOf, type RequestParts } from './handlers.ts'
import { executeTraced } from './traced-execution.ts'

/** What a client can ask of its connection as a whole. */
export interface ConnectionControl {
  authenticate(connection: Connection, inbound: Extract<Inbound, { kind: 'auth' }>): void
  close(connection: Connection, code: number, reason: string): void
  closedByClient(connection: Connection, inbound: Extract<Inbound, { kind: 'close' }>): void
}

export class Dispatch {
  private readonly parts: RequestParts
  private readonly control: ConnectionControl

  constructor(parts: RequestParts, control: ConnectionControl) {
    this.parts = parts
    this.control = control
  }

  /** From the link: the next message of this connection. */
  handle(connection: Connection, inbound: Inbound): void {
    if (connection.stage === 'closed') return
    // Before the authentication ends there is nothing that a close would have to wait for.
    const isAtOnce = inbound.kind === 'close' && (connection.stage === 'authenticating' || inbound.isReplaced === true)
    if (connection.busy && !isAtOnce) return this.enqueue(connection, inbound)
    this.take(connection, inbound)
    if (connection.queue) this.resume(connection)
  }

  /** The connection is no longer busy. */
  resume(connection: Connection): void {
    const { queue } = connection
    while (queue && queue.length > 0 && !connection.busy && connection.link.state === 'open') {
      this.take(connection, queue.shift() as Inbound)
    }
    if (queue?.length === 0) connection.queue = undefined
    if (!connection.link.slow && (connection.queue?.length ?? 0) < QUEUE_SOFT_LIMIT)
      connection.link.wire.resumeReading()
  }

  private enqueue(connection: Connection, inbound: Inbound): void {
    connection.queue ??= []
    connection.queue.push(inbound.kind === 'request' ? this.dated(connection, inbound) : inbound)
    if (connection.queue.length === QUEUE_SOFT_LIMIT) connection.link.wire.pauseReading()
    if (connection.queue.length > QUEUE_HARD_LIMIT)
      connection.link.close(CLOSE_CODES.POLICY.code, 'Too many requests at once')
  }

  /** The room may get another log while the request waits. */
  private dated(connection: Connection, request: Request): Request {
    const epoch = epochOf(this.parts.handlers, connection, request)
    return epoch === undefined ? request : { ...request, epoch }
  }

  private take(connection: Connection, inbound: Inbound): void {
    const { link } = connection
    switch (inbound.kind) {
      case 'auth':
        return this.control.authenticate(connection, inbound)
      case 'close':
        return this.control.closedByClient(connection, inbound)
      case 'invalid':
        if (connection.stage === 'authenticating') return link.close(CLOSE_CODES.POLICY.code, 'Not authenticated')
        return this.invalid(connection, inbound)
      case 'request':
        if (connection.stage === 'authenticating') return link.close(CLOSE_CODES.POLICY.code, 'Not authenticated')
        return this.execute(connection, this.switchDialect(connection, inbound))
      case 'ping':
      case 'open':
      case 'ack':
        return // handled by the link and the connection
      default:
        return inbound satisfies never
    }
  }

  private execute(connection: Connection, request: Request): void {
    const { parts } = this
    const { tracer } = parts.runtime
    if (tracer === undefined || !tracer.follows(request.traceparent, connection.link.dialect.name)) {
      return new Execution(parts, connection, request).start()
    }
    executeTraced(tracer, parts, connection, request)
  }

  /** A plain link may become a classic one, where the namespace understands that. */
  private switchDialect(connection: Connection, request: Request): Request {
    const { link, namespace } = connection
    const turned = namespace.options.classic ? link.dialect.switchDialect?.(request) : undefined
    if (!turned) return request
    link.dialect = turned.dialect
    this.parts.joins.regroup(connection)
    return turned.request
  }

  private invalid(connection: Connection, { error, id, event }: Extract<Inbound, { kind: 'invalid' }>): void {
    const { link, channel } = connection
    try {
      takeEvent(this.parts.runtime, connection)
      link.send(link.dialect.fail(channel, error, id, event))
    } catch (limited) {
      link.fail(channel, toRoomfulError(limited), id, event)
    }
  }
}
