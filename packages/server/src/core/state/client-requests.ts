/**
 * Requests of the server to one client. Each ends with its answer, its time-out, its signal or the connection; a late answer
 * is dropped. C9.
 */
import type { Inbound, RequestId } from '@roomful/protocol'
import type { Contract } from '../base/contract.ts'
import { validateAnswer } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { RoomEvent } from '../events/event.ts'
import type { Link } from '../link/link.ts'

export interface AskOptions {
  /** How long to wait for the answer. Default 5 s. */
  timeoutMs?: number | undefined
  /** Gives up waiting. */
  signal?: AbortSignal | undefined
}

/** C11. */
const ASK_TIMEOUT_MS = 5_000
/** Requests to one client that wait for an answer; one more is refused with UNAVAILABLE. */
export const ASKED_MAX = 256

type Settle = (error: unknown, answer?: unknown) => void

/** The connection, as far as requests to it are concerned. */
interface AskedConnection {
  readonly link: Link
  readonly channel: number
  readonly stage: 'authenticating' | 'open' | 'closed'
  readonly namespace: {
    readonly contract: Contract | undefined
    transient(type: string, args: readonly unknown[]): RoomEvent
  }
}

export class ClientRequests {
  private readonly connection: AskedConnection
  private readonly pending = new Map<RequestId, Settle>()
  private lastId = 0

  constructor(connection: AskedConnection) {
    this.connection = connection
  }

  async send(event: string, args: readonly unknown[], { timeoutMs = ASK_TIMEOUT_MS, signal }: AskOptions = {}) {
    const { link, channel, namespace, stage } = this.connection
    signal?.throwIfAborted()
    if (stage !== 'open' || link.state !== 'open') throw new RoomfulError('DISCONNECTED')
    if (this.pending.size >= ASKED_MAX) {
      throw new RoomfulError('UNAVAILABLE', `This client has ${ASKED_MAX} questions to answer already`)
    }
    const id = ++this.lastId
    const frame = link.dialect.request?.(channel, id, namespace.transient(event, args))
    if (frame === undefined) throw new RoomfulError('CANNOT_ANSWER')
    const answer = this.wait(id, event, timeoutMs, signal)
    link.send(frame)
    return validateAnswer(event, namespace.contract?.server[event], await answer)
  }

  /** Late, twice, or to nothing at all: harmless. */
  handleAck({ id, data, error }: Extract<Inbound, { kind: 'ack' }>): void {
    const refusal = error && new RoomfulError(error.code, error.message, { field: error.field })
    this.pending.get(id)?.(refusal, data)
  }

  /** The connection is gone. */
  close(): void {
    for (const settle of [...this.pending.values()]) settle(new RoomfulError('DISCONNECTED'))
  }

  private wait(id: number, event: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    const { timers } = this.connection.link.runtime
    return new Promise((resolve, reject) => {
      const settle: Settle = (error, answer) => {
        if (!this.pending.delete(id)) return
        timers.cancel(timer)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve(answer)
        else reject(error)
      }
      const onAbort = (): void => settle(signal?.reason)
      const timer = timers.add(timeoutMs, () =>
        settle(
          new RoomfulError('TIMEOUT', `The client did not answer ${JSON.stringify(event)} within ${timeoutMs} ms`),
        ),
      )
      signal?.addEventListener('abort', onAbort)
      this.pending.set(id, settle)
    })
  }
}
