/**
 * The thread beside the writer: checkpoints, and reads that reach far back, on a connection of its own. An entry of its
 * own: `background.ts` starts it by its address.
 */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { configureConnection } from './connection.ts'
import {
  type CloseMessage,
  type RequestMessage,
  RequestRunner,
  type ResultMessage,
  type WorkerSettings,
} from './worker-rpc.ts'

const { path, sync } = workerData as WorkerSettings
const db = new DatabaseSync(path)
configureConnection(db, sync)
const runner = new RequestRunner(db)

parentPort?.on('message', (message: RequestMessage | CloseMessage) => {
  if (message !== 'close') return parentPort?.postMessage(run(message))
  db.close()
  parentPort?.close()
})

function run({ id, request }: RequestMessage): ResultMessage {
  try {
    return { id, result: runner.run(request) }
  } catch (error) {
    return { id, error: String(error) }
  }
}
