/** A thread that folds updates, so that large documents do not hold the server up. */
import { parentPort } from 'node:worker_threads'
import { foldUpdates } from './fold-updates.ts'

export interface MergeResponse {
  readonly snapshot?: Uint8Array
  readonly error?: string
}

parentPort?.on('message', (updates: readonly Uint8Array[]) => {
  let response: MergeResponse
  try {
    response = { snapshot: foldUpdates(updates) }
  } catch (error) {
    response = { error: error instanceof Error ? error.message : String(error) }
  }
  parentPort?.postMessage(response)
})
