/** Faults between the server and its storage: each is a broker that is wrong in one way. */
import type { Append, Appended, Broker, BrokerListener, Claim } from '@roomful/server/ports'
import { appending, type VirtualClock } from '@roomful/testkit'
import type { Fault } from './fault.ts'

type Stored = Extract<Appended, { status: 'stored' }>

let salt = 0
/** To the log it is somebody else's key, so nothing is recognised. */
const unrecognisable = ({ key, ...entry }: Append): Append => ({
  ...entry,
  key: key && { ...key, scope: `${key.scope} ${++salt}` },
})

/** Guesses what the log will answer, and does not wait for it. */
function hasty(broker: Broker): Broker {
  const heads = new Map<string, number>()
  const seen = new Set<string>()
  let latestN = 0
  const learn = (entries: readonly Append[], results: readonly Appended[]): void => {
    for (const [index, { roomId }] of entries.entries()) {
      const result = results[index]
      if (result?.status !== 'stored') continue
      heads.set(roomId, Math.max(heads.get(roomId) ?? 0, result.seq))
      latestN = Math.max(latestN, result.n)
    }
  }
  const guessing = appending(broker, async (entries, store) => {
    const known = entries.every(({ roomId, key }) => heads.has(roomId) && !seen.has(key?.key ?? ''))
    for (const { key } of entries) if (key) seen.add(key.key)
    const stored = store(entries)
    if (!known || latestN === 0) {
      const results = await stored
      learn(entries, results)
      return results
    }
    stored.catch(() => undefined)
    const guesses = entries.map(({ roomId }): Stored => {
      const seq = (heads.get(roomId) ?? 0) + 1
      heads.set(roomId, seq)
      return { status: 'stored', n: ++latestN, seq, ts: 0 }
    })
    return guesses
  })
  return {
    ...guessing,
    async subscribe(...call) {
      const answer = await broker.subscribe(...call)
      for (const { roomId, seq } of answer) heads.set(roomId, Math.max(heads.get(roomId) ?? 0, seq))
      return answer
    },
  }
}

/** Every other result comes a moment later than those behind it. */
function unordered(broker: Broker, clock: VirtualClock): Broker {
  let results = 0
  const listen = (listener: BrokerListener): void =>
    broker.listen({
      onCommitted: (...call) => {
        if (++results % 2 === 0) listener.onCommitted(...call)
        else clock.after(20, () => listener.onCommitted(...call))
      },
      onEvents: (...call) => listener.onEvents(...call),
      onSignals: (...call) => listener.onSignals(...call),
      onChanged: (...call) => listener.onChanged(...call),
      onRedacted: (...call) => listener.onRedacted(...call),
      onReset: (...call) => listener.onReset(...call),
      onOtherLog: (...call) => listener.onOtherLog(...call),
      headOf: (...call) => listener.headOf(...call),
      onOnline: (...call) => listener.onOnline(...call),
      onPresence: (...call) => listener.onPresence(...call),
      onTaken: (...call) => listener.onTaken(...call),
      onLeadLost: (...call) => listener.onLeadLost(...call),
      onBreak: (...call) => listener.onBreak(...call),
      onAsk: (...call) => listener.onAsk(...call),
    })
  return { ...broker, listen }
}

export const STORAGE_FAULTS: readonly Fault[] = [
  { name: 'gives results in another order than that of commits', broker: unordered },
  {
    name: 'keeps what was taken back',
    broker: (broker) => ({ ...broker, redact: async () => true }),
  },
  {
    name: 'stores one half of what belongs together',
    broker: (broker) =>
      appending(broker, async (entries, store) => {
        const isSecond = ({ atomicGroup }: Append, index: number) =>
          atomicGroup !== undefined && entries[index - 1]?.atomicGroup === atomicGroup
        const results = await store(entries.filter((entry, index) => !isSecond(entry, index)))
        const left = results.values()
        let last: Appended = { status: 'unknown' }
        return entries.map((entry, index) => {
          if (!isSecond(entry, index)) last = left.next().value ?? last
          return last
        })
      }),
  },
  {
    name: 'skips the dedupe',
    broker: (broker) => appending(broker, (entries, store) => store(entries.map(unrecognisable))),
  },
  {
    name: 'tells a repeat another number than the first time',
    broker: (broker) => {
      const renumber = <Result extends Appended | Claim>(result: Result): Result =>
        result.status === 'duplicate' ? { ...result, seq: result.seq + 1 } : result
      return {
        ...appending(broker, async (entries, store) => (await store(entries)).map(renumber)),
        claim: async (...call) => renumber(await broker.claim(...call)),
      }
    },
  },
  { name: 'acknowledges before the commit', broker: hasty },
  {
    name: 'stores all of a batch but its last event, and says that it did',
    broker: (broker) =>
      appending(broker, async (entries, store) => {
        if (entries.length < 2) return store(entries)
        const results = await store(entries.slice(0, -1))
        const last = results.at(-1) as Stored
        return [...results, { ...last, status: 'stored', n: last.n + 1, seq: last.seq + 1 }]
      }),
  },
  {
    name: 'replays one event too few',
    broker: (broker) => ({
      ...broker,
      read: (namespace, after, limits) =>
        broker.read(
          namespace,
          after.map(({ roomId, seq }) => ({ roomId, seq: seq + 1 })),
          limits,
        ),
    }),
  },
  {
    name: 'takes a log that lost its end for the one it was',
    broker: (broker) => ({
      ...broker,
      subscribe: async (...call) => (await broker.subscribe(...call)).map((head) => ({ ...head, epoch: 'same' })),
      heads: async (...call) => (await broker.heads(...call)).map((head) => ({ ...head, epoch: 'same' })),
    }),
  },
  {
    name: 'says that everything can be had, and some is trimmed',
    broker: (broker) => ({
      ...broker,
      subscribe: async (...call) => (await broker.subscribe(...call)).map((head) => ({ ...head, first: 1 })),
      heads: async (...call) => (await broker.heads(...call)).map((head) => ({ ...head, first: 1 })),
    }),
    // The server notices when it reads, and says so then; only a promise that it kept silent about would be wrong.
    server: ({ hub }) => {
      hub.catchUp.sendReset = () => undefined
    },
  },
]
