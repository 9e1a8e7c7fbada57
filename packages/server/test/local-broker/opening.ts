/** A local broker with virtual time, over either log, in a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { called, SeededRandom, VirtualClock } from '@roomful/testkit'
import type { BrokerBench } from '@roomful/testkit/contracts/broker'
import { createLocalBroker, createMemoryLog, openSqliteLog } from '../../src/adapters/brokers/local/index.ts'
import type { LogLimits } from '../../src/adapters/brokers/local/log.ts'
import type { SqliteLogOptions } from '../../src/adapters/brokers/local/sqlite/wiring.ts'

export async function openInMemory(limits: Partial<LogLimits> = {}): Promise<BrokerBench> {
  const clock = new VirtualClock()
  const random = new SeededRandom('memory')
  const open = () => called(createLocalBroker({ log: createMemoryLog({ clock, random, ...limits }) }))
  const broker = open()
  return { broker, clock, reopen: async () => open(), dispose: () => broker.close() }
}

export interface SqliteBench extends BrokerBench {
  readonly folder: string
  /** What went wrong where nobody waited for an answer. */
  readonly reports: readonly unknown[]
}

export async function openOnSqlite(options: Partial<SqliteLogOptions> = {}): Promise<SqliteBench> {
  const clock = new VirtualClock()
  const random = new SeededRandom('sqlite')
  const folder = makeFolder()
  const reports: unknown[] = []
  const open = () => {
    const log = openSqliteLog({ folder, clock, random, report: (error) => reports.push(error), ...options })
    return called(createLocalBroker({ log }))
  }
  const broker = open()
  let last = broker
  const reopen = async () => {
    await last.close()
    last = open()
    return last
  }
  const dispose = async () => {
    await last.close()
    rmSync(folder, { recursive: true })
  }
  return { broker, clock, folder, reports, reopen, dispose }
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'roomful-'))
}
