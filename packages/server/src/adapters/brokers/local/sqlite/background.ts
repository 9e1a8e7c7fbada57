/**
 * The worker, seen from the writer's thread: a request and the promise of its result. It is started at the first request
 * and keeps the process alive only while requests are in flight. When it cannot run (sources bundled without it, no memory
 * for a thread), requests are run on this thread: slower, but correct.
 */
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { RoomfulError } from '../../../../core/base/errors.ts'
import {
  type CloseMessage,
  type RequestMessage,
  RequestRunner,
  type ResultMessage,
  type WorkerRequest,
  type WorkerResults,
  type WorkerSettings,
} from './worker-rpc.ts'

/** Requests in flight: more than any number of clients should need at once, since the core shares equal reads. */
const IN_FLIGHT_MAX = 10_000

interface InFlight {
  readonly request: WorkerRequest
  resolve(result: unknown): void
  reject(error: unknown): void
}

export interface BackgroundOptions extends WorkerSettings {
  /** The writer's connection. */
  readonly db: DatabaseSync
  /** Receives the reason when the worker is gone. */
  readonly report: (error: unknown) => void
}

export class SqliteBackground {
  private readonly options: BackgroundOptions
  private readonly here: RequestRunner
  private readonly inFlight = new Map<number, InFlight>()
  private worker: Worker | undefined
  private state: 'idle' | 'running' | 'gone' | 'closed' = 'idle'
  private lastId = 0

  constructor(options: BackgroundOptions) {
    this.options = options
    this.here = new RequestRunner(options.db)
  }

  /** Runs on this thread, at once. */
  runHere<R extends WorkerRequest>(request: R): WorkerResults[R['kind']] {
    return this.here.run(request)
  }

  async request<R extends WorkerRequest>(request: R): Promise<WorkerResults[R['kind']]> {
    if (this.state === 'closed') throw closedError()
    if (this.state === 'idle') this.start()
    const { worker } = this
    if (worker === undefined) return this.here.run(request)
    if (this.inFlight.size >= IN_FLIGHT_MAX)
      throw new RoomfulError('UNAVAILABLE', 'Too many reads are under way', { retryAfterMs: 1000 })
    const id = ++this.lastId
    const result = new Promise<unknown>((resolve, reject) => void this.inFlight.set(id, { request, resolve, reject }))
    worker.ref()
    worker.postMessage({ id, request } satisfies RequestMessage)
    return (await result) as WorkerResults[R['kind']]
  }

  async close(): Promise<void> {
    this.state = 'closed'
    for (const { reject } of this.takeInFlight()) reject(closedError())
    const { worker } = this
    this.worker = undefined
    if (worker === undefined) return
    worker.ref()
    const ended = new Promise<void>((resolve) => void worker.once('exit', () => resolve()))
    worker.postMessage('close' satisfies CloseMessage)
    await ended
  }

  private start(): void {
    const { path, sync } = this.options
    // Next to this file, as source or as what was built from it.
    const url = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    this.worker = new Worker(url, { name: 'roomful-log', workerData: { path, sync } satisfies WorkerSettings })
    this.state = 'running'
    this.worker.unref()
    this.worker.on('message', (message: ResultMessage) => this.onResult(message))
    this.worker.on('error', (error) => this.onGone(error))
    this.worker.on('exit', (code) => this.onGone(new Error(`The log's worker ended with code ${code}`)))
  }

  private onResult(message: ResultMessage): void {
    const request = this.inFlight.get(message.id)
    this.inFlight.delete(message.id)
    if (this.inFlight.size === 0) this.worker?.unref()
    if ('error' in message) request?.reject(new RoomfulError('UNAVAILABLE', undefined, { cause: message.error }))
    else request?.resolve(message.result)
  }

  private onGone(error: unknown): void {
    if (this.state !== 'running') return
    this.state = 'gone'
    this.worker = undefined
    this.options.report(error)
    for (const { request, resolve, reject } of this.takeInFlight()) {
      try {
        resolve(this.here.run(request))
      } catch (failure) {
        reject(failure)
      }
    }
  }

  private takeInFlight(): InFlight[] {
    const all = [...this.inFlight.values()]
    this.inFlight.clear()
    return all
  }
}

function closedError(): RoomfulError {
  return new RoomfulError('UNAVAILABLE', 'The log is closed')
}
