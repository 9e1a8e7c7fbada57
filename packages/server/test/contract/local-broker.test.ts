/** The local broker against the contract, over each of its logs. */
import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { type BrokerBench, type BrokerLimits, brokerContract } from '@roomful/testkit/contracts/broker'
import { createLocalBroker, createMemoryLog } from '../../src/adapters/brokers/local/index.ts'

async function makeInMemory(limits?: BrokerLimits): Promise<BrokerBench> {
  const clock = new VirtualClock()
  const random = new SeededRandom('memory')
  const open = () => createLocalBroker({ log: createMemoryLog({ clock, random, ...limits }), clock })
  const broker = open()
  return { broker, clock, reopen: async () => open(), dispose: () => broker.close() }
}

brokerContract('local, memory', makeInMemory, false)
