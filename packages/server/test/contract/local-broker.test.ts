/** The local broker against the contract, over each of its logs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { type BrokerBench, type BrokerLimits, brokerContract } from '@roomful/testkit/contracts/broker'
import { createLocalBroker, createMemoryLog, openSqliteLog } from '../../src/adapters/brokers/local/index.ts'

async function makeInMemory(limits?: BrokerLimits): Promise<BrokerBench> {
  const clock = new VirtualClock()
  const random = new SeededRandom('memory')
  const open = () => createLocalBroker({ log: createMemoryLog({ clock, random, ...limits }), clock })
  const broker = open()
  return { broker, clock, reopen: async () => open(), dispose: () => broker.close() }
}

async function makeOnSqlite(limits?: BrokerLimits): Promise<BrokerBench> {
  const clock = new VirtualClock()
  const random = new SeededRandom('sqlite')
  const folder = mkdtempSync(join(tmpdir(), 'roomful-'))
  const open = () => createLocalBroker({ log: openSqliteLog({ folder, clock, random, ...limits }), clock })
  const broker = open()
  let last = broker
  return {
    broker,
    clock,
    reopen: async () => {
      await last.close()
      last = open()
      return last
    },
    dispose: async () => {
      await last.close()
      rmSync(folder, { recursive: true })
    },
  }
}

brokerContract('local, memory', makeInMemory, false)
brokerContract('local, SQLite', makeOnSqlite, true)
