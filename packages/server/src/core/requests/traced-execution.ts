/** A request that is followed: its trace gets what becomes of it. A class of its own, so that others pay nothing for it. */
import type { RoomfulError } from '../base/errors.ts'
import type { AppendEffect, Effect, Stored } from '../log/effects.ts'
import { traceEmit, traceStored } from '../log/trace.ts'
import type { Changed } from '../ports/broker.ts'
import type { Request } from '../ports/dialect.ts'
import type { Trace, Tracer } from '../ports/observer.ts'
import type { Connection } from '../state/namespace-state.ts'
import { Execution } from './execution.ts'
import type { RequestParts } from './handlers.ts'

/** Runs a request, followed where the tracer wants it. */
export function executeTraced(tracer: Tracer, parts: RequestParts, connection: Connection, request: Request): void {
  const trace = tracer.request({
    namespace: connection.namespace.name,
    event: parts.handlers.byEvent.has(request.event) ? request.event : 'unknown',
    connectionId: connection.id,
    userId: connection.user.sub,
    dialect: connection.link.dialect.name,
    traceparent: request.traceparent,
  })
  if (trace === undefined) return new Execution(parts, connection, request).start()
  const execution = new TracedExecution(parts, connection, request, trace)
  trace.run(() => execution.start())
}

class TracedExecution extends Execution {
  override readonly traceparent: string
  private readonly trace: Trace
  private code: string | undefined
  private hasEnded = false

  constructor(parts: RequestParts, connection: Connection, request: Request, trace: Trace) {
    super(parts, connection, request)
    this.trace = trace
    this.traceparent = trace.traceparent
  }

  protected override submit(result: unknown): void {
    this.trace.submitted()
    super.submit(result)
  }

  override apply(effect: Exclude<Effect, AppendEffect>, ok: boolean): void {
    if (ok && effect.kind === 'emit') traceEmit(this.trace, this.connection.namespace, effect)
    super.apply(effect, ok)
  }

  override settle(
    stored: readonly Stored[],
    error: RoomfulError | undefined,
    storedAck: string | undefined,
    changed: readonly Changed[],
  ): void {
    traceStored(this.trace, this.connection.namespace, this.effects, stored)
    super.settle(stored, error, storedAck, changed)
  }

  protected override observe(code: string | undefined): void {
    this.code = code
    super.observe(code)
  }

  /** Every request comes here at its end, also one whose client is gone. */
  protected override endKey(): void {
    super.endKey()
    if (this.hasEnded) return
    this.hasEnded = true
    this.parts.runtime.turn.afterFlush(() => this.trace.ended(this.code))
  }
}
