/** What every feature is given: the server to speak through, a database of the application's own, time and chance. */
import type { Leading, LeadRun, Namespace, Roomful, Run } from '@roomful/server'
import type { Clock, Random } from '@roomful/server/ports'
import type { Database } from './database.ts'

/** As much of a server as features use: the test kit's has it too. */
export interface Host extends Pick<Roomful, 'get' | 'namespace' | 'clock' | 'random'> {
  chat(namespace: Namespace): unknown
  whileOpen(run: Run): unknown
  lead(name: string, run: LeadRun): Leading
}

export interface Commons {
  readonly server: Host
  readonly database: Database
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly random: Random
}

/** @param database is closed with the server, after everything that features run */
export function createCommons(server: Host, database: Database): Commons {
  server.whileOpen(() => () => database.close())
  return { server, database, clock: server.clock, random: server.random }
}

/** Calls `fn` again and again. @returns what ends it */
export function every(clock: Commons['clock'], ms: number, fn: () => void): () => void {
  let cancel = clock.after(ms, tick)
  function tick(): void {
    cancel = clock.after(ms, tick)
    fn()
  }
  return () => cancel()
}
