/** The thread of the store: commits, reads and compaction, one after another. */
import { parentPort, workerData } from 'node:worker_threads'
import { SqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'

export interface StoreRequest {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

/** Without an `id`: the store could not be opened. */
export interface StoreResponse {
  readonly id: number | undefined
  readonly answer?: unknown
  readonly error?: string
}

const port = parentPort
if (port) {
  try {
    const store = new SqliteStore(workerData as SqliteStoreOptions)
    const methods = store as unknown as Record<string, (...args: readonly unknown[]) => unknown>
    port.on('message', ({ id, method, args }: StoreRequest) => {
      port.postMessage(answer(id, () => methods[method]?.(...args)))
      if (method === 'close') port.close()
      else store.tidy()
    })
  } catch (error) {
    port.postMessage({ id: undefined, error: describe(error) } satisfies StoreResponse)
    port.close()
  }
}

function answer(id: number, work: () => unknown): StoreResponse {
  try {
    return { id, answer: work() }
  } catch (error) {
    return { id, error: describe(error) }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
