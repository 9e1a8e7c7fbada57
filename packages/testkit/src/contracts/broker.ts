/**
 * What every broker must do, as tests: `brokerContract('redis', makeBroker)` in a test file registers them with Vitest.
 * The port's comments say the rules, these tests show them; an adapter that passes can stand under the core.
 */
import { describe } from 'vitest'
import type { CalledBroker } from '../broker.ts'
import type { VirtualClock } from '../clock.ts'
import { appendContract } from './broker/append.ts'
import { keyContract } from './broker/keys.ts'
import { lifeContract, restartContract } from './broker/life.ts'
import { limitContract } from './broker/limits.ts'
import { orderContract } from './broker/order.ts'
import { readContract } from './broker/read.ts'
import { roomContract } from './broker/rooms.ts'
import { sessionContract } from './broker/sessions.ts'
import { stateContract } from './broker/state.ts'
import { textContract } from './broker/texts.ts'

export { orderContract } from './broker/order.ts'

/** What a test may ask for; an adapter's own defaults without it. */
export interface BrokerLimits {
  /** Most events kept per room. */
  readonly retention?: number
  /** Events older than this go, and with the last of them the room. */
  readonly retentionMs?: number
  readonly dedupeWindowMs?: number
}

/** A broker on a log of its own, and what a test may do to the world around it. */
export interface BrokerBench {
  readonly broker: CalledBroker
  /** The broker's clock. */
  readonly clock: VirtualClock
  /** Closes the broker cleanly and opens another on the same data. Without data that stays: on none. */
  readonly reopen: () => Promise<CalledBroker>
  /** Closes it and throws its data away. */
  readonly dispose: () => Promise<void>
}

export type MakeBroker = (limits?: BrokerLimits) => Promise<BrokerBench>

/**
 * @param name of the adapter, for the report
 * @param isPersistent whether its data outlives a broker
 */
export function brokerContract(name: string, makeBroker: MakeBroker, isPersistent: boolean): void {
  describe(`broker contract: ${name}`, () => {
    appendContract(makeBroker)
    textContract(makeBroker)
    stateContract(makeBroker)
    orderContract(makeBroker)
    keyContract(makeBroker)
    readContract(makeBroker)
    roomContract(makeBroker)
    sessionContract(makeBroker)
    limitContract(makeBroker)
    lifeContract(makeBroker)
    if (isPersistent) restartContract(makeBroker)
  })
}
