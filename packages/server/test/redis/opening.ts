/** Brokers on one real Redis, each test under a prefix of its own; time is the test's, connections are real. */
import type { Append } from '@roomful/server/ports'
import { called, VirtualClock } from '@roomful/testkit'
import type { BrokerBench, BrokerLimits } from '@roomful/testkit/contracts/broker'
import {
  createRedisBroker,
  type RedisBroker,
  type RedisBrokerOptions,
} from '../../src/adapters/brokers/redis/broker.ts'
import { systemClock, systemRandom } from '../../src/adapters/system/clock-and-random.ts'

const STEP_MS = 60_000

/** Time that passes only as the test says, with what it takes from the log. */
class LogClock extends VirtualClock {
  broker: RedisBroker | undefined

  override async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS * 10) {
      await super.advance(Math.min(left, STEP_MS * 10))
      await this.broker?.tend()
    }
  }
}

let benches = 0

export function openOnRedis(url: string, more: Partial<RedisBrokerOptions> = {}) {
  return async (limits: BrokerLimits = {}): Promise<BrokerBench> => {
    const clock = new LogClock()
    const prefix = `test${++benches}`
    const open = () => {
      clock.broker = createRedisBroker({
        url,
        prefix,
        clock: systemClock,
        random: systemRandom,
        time: () => clock.now(),
        timings: { lingerMs: 0 },
        report: () => undefined,
        ...limits,
        ...more,
      })
      return called(clock.broker)
    }
    const broker = open()
    let last = broker
    const reopen = async () => {
      await last.close()
      last = open()
      return last
    }
    return { broker, clock, reopen, dispose: () => last.close() }
  }
}

/** A message of Ann's. */
export const entry = (roomId: string, content: unknown, more: Partial<Append> = {}): Append => ({
  roomId,
  type: 'message:new',
  argsJson: JSON.stringify([content]),
  userId: 'ann',
  key: undefined,
  atomicGroup: undefined,
  ...more,
})
