/** The thread beside the writer: checkpoints, and reads that reach far back, on a connection of its own. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { configureConnection, type Sync } from './connection.ts'
import { type Question, SqliteAnswers } from './worker-rpc.ts'

export interface WorkerSettings {
  readonly path: string
  readonly sync: Sync
}

export interface Asked {
  readonly id: number
  readonly question: Question
}

/** Sent instead of a question: the worker lets go of the file and ends. */
export type End = 'end'

export type Told = { readonly id: number; readonly answer: unknown } | { readonly id: number; readonly error: string }

const { path, sync } = workerData as WorkerSettings
const db = new DatabaseSync(path)
configureConnection(db, sync)
const answers = new SqliteAnswers(db)

parentPort?.on('message', (message: Asked | End) => {
  if (message !== 'end') return parentPort?.postMessage(tell(message.id, message.question))
  db.close()
  parentPort?.close()
})

function tell(id: number, question: Question): Told {
  try {
    return { id, answer: answers.answer(question) }
  } catch (error) {
    return { id, error: String(error) }
  }
}
