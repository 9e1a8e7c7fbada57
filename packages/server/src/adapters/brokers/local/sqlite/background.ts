/**
 * The worker as the writer's thread sees it: a question and the promise of its answer. It is started at the first question
 * and does not keep the process alive while nothing is asked. When it cannot be had (sources that were bundled without
 * it, no memory for a thread) its questions are answered here: slower, not wrong.
 */
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { RoomfulError } from '../../../../core/base/errors.ts'
import type { Asked, End, Told, WorkerSettings } from './worker.ts'
import { type Answers, type Question, SqliteAnswers } from './worker-rpc.ts'

/** Questions in flight: more than any number of clients should need at once, since equal reads are shared above. */
const IN_FLIGHT_MAX = 10_000

interface Waiting {
  readonly question: Question
  resolve(answer: unknown): void
  reject(error: unknown): void
}

export interface BackgroundOptions extends WorkerSettings {
  /** The writer's connection. */
  readonly db: DatabaseSync
  /** Told why the worker is gone. */
  readonly report: (error: unknown) => void
}

export class SqliteBackground {
  private readonly options: BackgroundOptions
  private readonly here: SqliteAnswers
  private readonly waiting = new Map<number, Waiting>()
  private worker: Worker | undefined
  private state: 'idle' | 'running' | 'gone' | 'closed' = 'idle'
  private lastId = 0

  constructor(options: BackgroundOptions) {
    this.options = options
    this.here = new SqliteAnswers(options.db)
  }

  /** Answered on this thread, at once. */
  askHere<Q extends Question>(question: Q): Answers[Q['kind']] {
    return this.here.answer(question)
  }

  async ask<Q extends Question>(question: Q): Promise<Answers[Q['kind']]> {
    if (this.state === 'closed') throw closedError()
    if (this.state === 'idle') this.start()
    const { worker } = this
    if (worker === undefined) return this.here.answer(question)
    if (this.waiting.size >= IN_FLIGHT_MAX)
      throw new RoomfulError('UNAVAILABLE', 'Too many reads are under way', { retryAfterMs: 1000 })
    const id = ++this.lastId
    const answer = new Promise<unknown>((resolve, reject) => void this.waiting.set(id, { question, resolve, reject }))
    worker.ref()
    worker.postMessage({ id, question } satisfies Asked)
    return (await answer) as Answers[Q['kind']]
  }

  async close(): Promise<void> {
    this.state = 'closed'
    for (const { reject } of this.takeWaiting()) reject(closedError())
    const { worker } = this
    this.worker = undefined
    if (worker === undefined) return
    worker.ref()
    const ended = new Promise<void>((resolve) => void worker.once('exit', () => resolve()))
    worker.postMessage('end' satisfies End)
    await ended
  }

  private start(): void {
    const { path, sync } = this.options
    // Beside this file, as source or as what was built from it.
    const url = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    this.worker = new Worker(url, { name: 'roomful-log', workerData: { path, sync } satisfies WorkerSettings })
    this.state = 'running'
    this.worker.unref()
    this.worker.on('message', (told: Told) => this.onTold(told))
    this.worker.on('error', (error) => this.onGone(error))
    this.worker.on('exit', (code) => this.onGone(new Error(`The log's worker ended with code ${code}`)))
  }

  private onTold(told: Told): void {
    const waiting = this.waiting.get(told.id)
    this.waiting.delete(told.id)
    if (this.waiting.size === 0) this.worker?.unref()
    if ('error' in told) waiting?.reject(new RoomfulError('UNAVAILABLE', undefined, { cause: told.error }))
    else waiting?.resolve(told.answer)
  }

  private onGone(error: unknown): void {
    if (this.state !== 'running') return
    this.state = 'gone'
    this.worker = undefined
    this.options.report(error)
    for (const { question, resolve, reject } of this.takeWaiting()) {
      try {
        resolve(this.here.answer(question))
      } catch (failure) {
        reject(failure)
      }
    }
  }

  private takeWaiting(): Waiting[] {
    const all = [...this.waiting.values()]
    this.waiting.clear()
    return all
  }
}

function closedError(): RoomfulError {
  return new RoomfulError('UNAVAILABLE', 'The log is closed')
}
