/** The store of a server that runs alone. In a file it runs in a worker. In memory it never waits, so it runs in this thread. */
import { Worker } from 'node:worker_threads'
import { RoomfulError } from '@roomful/server'
import type { DocumentStore } from './port.ts'
import { SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'
import type { StoreRequest, StoreResponse } from './worker.ts'

/** Requests under way: many times what can be open at once. */
const IN_FLIGHT_MAX = 10_000

type Method = 'load' | 'append' | 'fold' | 'find' | 'list' | 'usage' | 'create' | 'change' | 'remove' | 'close'

/** @throws Error with a sentence when the file is of a newer version, or cannot be used */
export function openDocumentStore(options: SqliteStoreOptions): DocumentStore {
  const isFile = options.path !== ':memory:'
  if (isFile) new SqliteStore(options).close() // a broken file should stop the start, not the first request
  const ask = isFile ? new StoreWorker(options).ask : askHere(options)
  const method = <Name extends Method>(name: Name) =>
    ((...args: readonly unknown[]) => ask(name, args)) as unknown as DocumentStore[Name]
  return {
    load: method('load'),
    append: method('append'),
    fold: method('fold'),
    find: method('find'),
    list: method('list'),
    usage: method('usage'),
    create: method('create'),
    change: method('change'),
    remove: method('remove'),
    close: method('close'),
  }
}

type Ask = (method: Method, args: readonly unknown[]) => Promise<unknown>

function askHere(options: SqliteStoreOptions): Ask {
  const store = new SqliteStore(options)
  const methods = store as unknown as Record<Method, (...args: readonly unknown[]) => unknown>
  return async (method, args) => {
    try {
      return methods[method](...args)
    } catch (cause) {
      throw unavailable(cause)
    } finally {
      if (method === 'append') store.tidy()
    }
  }
}

interface Waiting {
  readonly method: Method
  resolve(answer: unknown): void
  reject(error: unknown): void
}

class StoreWorker {
  private readonly worker: Worker
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0
  /** Why the worker takes no more requests. */
  private failure: unknown

  constructor(options: SqliteStoreOptions) {
    const url = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    this.worker = new Worker(url, { name: 'roomful-documents', workerData: options })
    this.worker.unref()
    this.worker.on('message', (response: StoreResponse) => this.handleResponse(response))
    this.worker.on('error', (error) => this.handleEnd(error))
    this.worker.on('exit', (code) => this.handleEnd(new Error(`The documents' worker ended with code ${code}`)))
  }

  readonly ask: Ask = async (method, args) => {
    if (this.failure !== undefined) throw unavailable(this.failure)
    const isFull = this.waiting.size >= IN_FLIGHT_MAX && method !== 'close' // it comes after all others
    if (isFull) throw unavailable(new Error('The disk does not keep up'))
    const id = ++this.lastId
    const answer = new Promise<unknown>((resolve, reject) => void this.waiting.set(id, { method, resolve, reject }))
    this.worker.ref()
    this.worker.postMessage({ id, method, args } satisfies StoreRequest)
    return answer
  }

  private handleResponse(response: StoreResponse): void {
    if (response.id === undefined) return this.handleEnd(new Error(response.error))
    const waiting = this.waiting.get(response.id)
    this.waiting.delete(response.id)
    if (this.waiting.size === 0) this.worker.unref()
    if (response.error !== undefined) waiting?.reject(unavailable(new Error(response.error)))
    else waiting?.resolve(response.answer)
  }

  private handleEnd(error: unknown): void {
    this.failure ??= error
    const all = [...this.waiting.values()]
    this.waiting.clear()
    for (const { reject } of all) reject(unavailable(error))
  }
}

function unavailable(cause: unknown): RoomfulError {
  return new RoomfulError('UNAVAILABLE', `The documents cannot be reached: ${messageOf(cause)}`, { cause })
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
