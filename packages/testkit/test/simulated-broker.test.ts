/** The broker over a simulated disk, whose answers come late and in any order: it gives them in that of commits. */
import { createLocalBroker } from '@roomful/server/testing'
import { describe } from 'vitest'
import { called } from '../src/broker.ts'
import { VirtualClock } from '../src/clock.ts'
import { type BrokerBench, orderContract } from '../src/contracts/broker.ts'
import { SeededRandom } from '../src/random.ts'
import { SimulatedDisk } from '../src/simulator/disk.ts'
import { LifeClock } from '../src/simulator/life-clock.ts'

async function openSimulated(): Promise<BrokerBench> {
  const clock = new VirtualClock()
  const random = new SeededRandom('disk')
  const upTo = (ms: number) => () => Math.floor(random.fraction() * ms)
  const disk = new SimulatedDisk({ clock, seed: 'disk', limits: {}, pace: { effectMs: upTo(3), answerMs: upTo(30) } })
  const life = new LifeClock(clock)
  const broker = called(createLocalBroker({ log: disk.mount(life) }))
  const { append, close, open } = broker
  // Time passes while something is waited for.
  broker.append = (...call) => clock.until(append(...call), 10_000)
  broker.close = () => clock.until(close(), 10_000)
  broker.open = (namespace) => clock.until(open(namespace), 10_000)
  return { broker, clock, reopen: async () => broker, dispose: async () => life.end() }
}

describe('the broker over a simulated disk', () => orderContract(openSimulated))
