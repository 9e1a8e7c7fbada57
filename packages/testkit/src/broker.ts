/** A broker's appends as promises, for tests: the port itself answers through its listener. */

import type { Append, Appended, Broker, BrokerListener, Signal } from '@roomful/server/ports'
import { InOrder } from '@roomful/server/testing'

type Results = readonly Appended[]

/** A call of its listener. */
export type BrokerCall = {
  [Name in keyof BrokerListener]: [Name, ...Parameters<BrokerListener[Name]>]
}[keyof BrokerListener]

export interface CalledBroker extends Omit<Broker, 'append' | 'listen'> {
  /** @throws (rejects) the cause when nothing at all was stored */
  append(namespace: string, appends: readonly Append[], signals?: readonly Signal[]): Promise<Results>
  /** What its listener was called with, oldest first. */
  readonly calls: readonly BrokerCall[]
  /** Runs within each call of the listener. */
  onCall: (call: BrokerCall) => void
}

interface Waiting {
  resolve(results: Results): void
  reject(cause: unknown): void
}

/** Listens to the broker. @param others gets what is not an answer to `append` */
export function called(broker: Broker, others?: () => BrokerListener | undefined): CalledBroker {
  const waiting = new Map<number, Waiting>()
  const calls: BrokerCall[] = []
  let ids = 0
  const note = (call: BrokerCall): void => {
    calls.push(call)
    caller.onCall(call)
  }
  broker.listen({
    onCommitted(...call) {
      const [, id, results, cause] = call
      if (cause === undefined) waiting.get(id)?.resolve(results)
      else waiting.get(id)?.reject(cause)
      waiting.delete(id)
      note(['onCommitted', ...call])
    },
    onEvents(...call) {
      note(['onEvents', ...call])
      others?.()?.onEvents(...call)
    },
    onSignals(...call) {
      note(['onSignals', ...call])
      others?.()?.onSignals(...call)
    },
    onChanged(...call) {
      note(['onChanged', ...call])
      others?.()?.onChanged(...call)
    },
    onRedacted(...call) {
      note(['onRedacted', ...call])
      others?.()?.onRedacted(...call)
    },
    onReset(...call) {
      note(['onReset', ...call])
      others?.()?.onReset(...call)
    },
    onOtherLog(...call) {
      note(['onOtherLog', ...call])
      others?.()?.onOtherLog(...call)
    },
    headOf: (...call) => others?.()?.headOf(...call),
    onOnline(...call) {
      note(['onOnline', ...call])
      others?.()?.onOnline(...call)
    },
    onPresence(...call) {
      note(['onPresence', ...call])
      others?.()?.onPresence(...call)
    },
    onTaken(...call) {
      note(['onTaken', ...call])
      others?.()?.onTaken(...call)
    },
    onLeadLost(...call) {
      note(['onLeadLost', ...call])
      others?.()?.onLeadLost(...call)
    },
    onBreak(...call) {
      note(['onBreak', ...call])
      others?.()?.onBreak(...call)
    },
    onAsk(...call) {
      note(['onAsk', ...call])
      return others?.()?.onAsk(...call)
    },
  })
  const caller: CalledBroker = {
    ...broker,
    calls,
    onCall: () => undefined,
    append: (namespace, appends, signals = []) =>
      new Promise<Results>((resolve, reject) => {
        const id = ++ids
        waiting.set(id, { resolve, reject })
        broker.append(namespace, { id, appends, signals })
      }),
  }
  return caller
}

/** Appends, as the broker below does it. */
export type Store = (appends: readonly Append[]) => Promise<Results>

/** The same broker with another way to append: to delay, to fail, to change. A rejection is a batch of which nothing was stored. */
export function appending(
  broker: Broker,
  append: (appends: readonly Append[], store: Store, namespace: string) => Promise<Results>,
): Broker {
  let listener: BrokerListener | undefined
  const below = called(broker, () => listener)
  const order = new InOrder<{ results: Results; cause?: unknown }>()
  return {
    ...broker,
    listen: (given) => {
      listener = given
    },
    append: (namespace, { id, appends }) => {
      const store: Store = (entries) => below.append(namespace, entries)
      const answer = (async () => (appends.length === 0 ? [] : append(appends, store, namespace)))().then(
        (results) => ({ results }),
        (cause: unknown) => ({ results: appends.map(refused), cause }),
      )
      order.add(answer, ({ results, cause }) => listener?.onCommitted(namespace, id, results, cause))
    },
  }
}

function refused(): Appended {
  return { status: 'refused', code: 'UNAVAILABLE', message: 'Not stored' }
}
