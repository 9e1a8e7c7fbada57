/** Stores of documents on one real Redis, each test under a prefix of its own. */
import { onTestFinished } from 'vitest'
import { systemClock, systemRandom } from '../../../server/src/adapters/system/clock-and-random.ts'
import { RedisStore, type RedisStoreOptions } from '../../src/store/redis/redis-store.ts'

const UNLIMITED = { maxDocuments: 1e9, maxDocumentsPerUser: 1e9, maxBytesPerUser: 1e12, maxTotalBytes: 1e12 }

let prefixes = 0

export function nextPrefix(): string {
  return `documents${++prefixes}`
}

/** Closed with the test. */
export function openStore(url: string, prefix: string, more: Partial<RedisStoreOptions> = {}): RedisStore {
  const store = new RedisStore({
    redis: { url, prefix },
    namespace: '/documents',
    clock: systemClock,
    random: systemRandom,
    limits: UNLIMITED,
    foldUpdates: 500,
    foldBytes: 256 * 1024,
    report: () => undefined,
    ...more,
  })
  onTestFinished(() => store.close())
  return store
}
