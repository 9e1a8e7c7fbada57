/** The simulated Redis under the real broker: it keeps the contract that every broker keeps, as a real Redis does. */
import { createRedisBroker } from '@roomful/server/testing'
import { expect } from 'vitest'
import { type CalledBroker, called } from '../src/broker.ts'
import { VirtualClock } from '../src/clock.ts'
import { type BrokerBench, type BrokerLimits, brokerContract } from '../src/contracts/broker.ts'
import { SeededRandom } from '../src/random.ts'
import { LifeClock } from '../src/simulator/life-clock.ts'
import { SimulatedRedis } from '../src/simulator/redis/simulated-redis.ts'
import { Way } from '../src/simulator/redis/way.ts'

const STEP_MS = 60_000

/** Time passes while something is waited for. */
function waiting(broker: CalledBroker, clock: VirtualClock): CalledBroker {
  const waits = (value: unknown): unknown => {
    if (typeof value !== 'function') return value
    return (...args: unknown[]) => {
      const answer = value(...args)
      return answer instanceof Promise ? clock.until(answer, 20_000) : answer
    }
  }
  return new Proxy(broker, {
    get: (target, name) => (name === 'calls' ? target.calls : waits(Reflect.get(target, name))),
    set: (target, name, value) => Reflect.set(target, name, value),
  })
}

async function openSimulated(limits: BrokerLimits = {}): Promise<BrokerBench> {
  const random = new SeededRandom('redis')
  let tend: () => Promise<void> = async () => undefined
  const clock = new (class extends VirtualClock {
    override async advance(ms: number): Promise<void> {
      for (let left = ms; left > 0; left -= STEP_MS * 10) {
        await super.advance(Math.min(left, STEP_MS * 10))
        await this.until(tend())
      }
    }
  })()
  const redis = new SimulatedRedis({ clock, syncMs: () => 0, onProblem: (problem) => expect.fail(problem) })
  const open = (): CalledBroker => {
    const life = new LifeClock(clock)
    const way = new Way({
      clock,
      redis,
      delayMs: () => 0,
      isReordered: () => random.integer(4) === 0,
      lateMs: () => undefined,
      reapMs: () => 0,
    })
    const broker = createRedisBroker({
      ...{ url: 'redis://simulated', clock: life, random, redis: async () => way.open(life) },
      ...{ timings: { lingerMs: 0 }, report: (text: string) => process.env.SHOW && console.log(text) },
      ...limits,
    })
    tend = () => broker.tend()
    return waiting(called(broker), clock)
  }
  const broker = open()
  let last = broker
  const reopen = async (): Promise<CalledBroker> => {
    await last.close()
    last = open()
    return last
  }
  return { broker, clock, reopen, dispose: () => last.close() }
}

brokerContract('simulated Redis', openSimulated, true)
