/** The words that the tests of the broker contract share. */
import type { Append, Appended, AppendKey } from '@roomful/server/ports'
import { onTestFinished } from 'vitest'
import type { CalledBroker } from '../../broker.ts'
import type { BrokerBench, BrokerLimits, MakeBroker } from '../broker.ts'

/** The namespace of every test that needs only one. */
export const NS = '/chat'

/** More than any page of these tests. */
export const PLENTY = { events: 1000, bytes: 10_000_000 }

/** A broker that is disposed of when the test ends, whatever its outcome. */
export async function bench(makeBroker: MakeBroker, limits?: BrokerLimits): Promise<BrokerBench> {
  const made = await makeBroker(limits)
  onTestFinished(() => made.dispose())
  await made.broker.open(NS)
  return made
}

export function entry(roomId: string, content: unknown, more: Partial<Append> = {}): Append {
  const argsJson = JSON.stringify([content])
  return { roomId, type: 'message:new', argsJson, userId: 'ann', key: undefined, atomicGroup: undefined, ...more }
}

export function key(name: string, fingerprint = 'f', scope = 'ann'): AppendKey {
  return { scope, key: name, fingerprint }
}

/** Appends one entry that must be stored. @returns its numbers */
export async function store(
  broker: CalledBroker,
  ...entries: Append[]
): Promise<{ n: number; seq: number; ts: number }[]> {
  const results = await broker.append(NS, entries)
  return results.map((result) => {
    if (result.status !== 'stored') throw new Error(`Not stored: ${JSON.stringify(result)}`)
    return result
  })
}

/** `count` events in one room, in batches. */
export async function fill(broker: CalledBroker, roomId: string, count: number): Promise<void> {
  for (let done = 0; done < count; done += 100) {
    const size = Math.min(100, count - done)
    await store(broker, ...Array.from({ length: size }, (_, i) => entry(roomId, done + i + 1)))
  }
}

export function statuses(results: readonly Appended[]): string[] {
  return results.map((result) => (result.status === 'refused' ? result.code : result.status))
}
