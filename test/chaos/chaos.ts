/**
 * One chaos run: a real server on SQLite, clients of every kind through a proxy that breaks, rounds of faults; then the
 * history is compared with the log, by the same check as in the simulator. R1, D2.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { History, type LoggedEvent } from '@roomful/testkit/history'
import { openReceiver, type Receiver, WEBHOOK_SECRET } from '../../packages/server/test/webhooks/open-receiver.ts'
import { Server, UNLIMITED } from '../outside/lib/server.ts'
import { token } from '../outside/lib/token.ts'
import { until } from '../outside/lib/wait.ts'
import { barePublisher, bareSubscriber } from './clients/bare.ts'
import { eventSourceSubscriber } from './clients/event-source.ts'
import { longPollSubscriber, postPublisher } from './clients/long-poll.ts'
import type { Publisher } from './clients/publisher.ts'
import { sdkPublisher, sdkSubscriber } from './clients/sdk.ts'
import { socketIoSubscriber } from './clients/socketio.ts'
import type { Subscriber } from './clients/subscriber.ts'
import { FaultProxy } from './fault-proxy.ts'
import { commit, type Fault, OPERATIONS, type Scene } from './faults.ts'
import { readLog } from './log.ts'

export interface ChaosOptions {
  /** One after the other. */
  readonly faults: readonly Fault[]
  readonly rounds: number
  /** Messages that have to go through before, between and after the faults. */
  readonly calm: number
  /** Publishers of each kind, and subscribers of each kind. */
  readonly perKind: number
}

export interface Outcome {
  readonly faults: string
  readonly rounds: number
  readonly acknowledged: number
  readonly stored: number
  readonly heard: number
  /** Gaps that were told. */
  readonly gaps: number
  readonly violations: readonly string[]
  readonly seconds: number
  readonly story: string
}

const ROOM = 'chaos'
const PACE_MS = 10
const ENV = {
  ...UNLIMITED,
  ROOMFUL_PING_INTERVAL_MS: '1000',
  ROOMFUL_PONG_TIMEOUT_MS: '500',
  ROOMFUL_SOCKETIO_PING_INTERVAL_MS: '1000',
  ROOMFUL_SOCKETIO_PING_TIMEOUT_MS: '1500',
  ROOMFUL_DRAIN_MS: '500',
  // Who comes back late has missed much; here that must not be a reason for a gap.
  ROOMFUL_REPLAY_MAX: '100000',
  ROOMFUL_RETENTION: '1000000',
  LOG_LEVEL: 'error',
}
const REST_MS = 40_000
const FILLING = { messages: 200, content: 'x'.repeat(30_000) }

const SUBSCRIBERS = {
  sdk: sdkSubscriber,
  ws: bareSubscriber,
  io: socketIoSubscriber,
  sse: eventSourceSubscriber,
  poll: longPollSubscriber,
}
const PUBLISHERS = { sdk: sdkPublisher, ws: barePublisher, post: postPublisher }

export async function runChaos({ faults, rounds, calm, perKind }: ChaosOptions): Promise<Outcome> {
  const startedMs = performance.now()
  const history = new History({ nowMs: () => performance.now() - startedMs })
  const receiver = faults.some((fault) => OPERATIONS.includes(fault as never)) ? await openReceiver() : undefined
  const hooks = receiver && { ROOMFUL_WEBHOOK_URL: receiver.url, ROOMFUL_WEBHOOK_SECRET: WEBHOOK_SECRET }
  const start = { env: { ...ENV, ...hooks } }
  const server = await Server.start(start)
  const proxy = await FaultProxy.open(server.port)
  const note = (text: string): void => history.note('chaos', text)
  const scene: Scene = { server, proxy, start, room: ROOM, note, ...(receiver && { receiver }) }
  const url = `http://127.0.0.1:${proxy.port}`
  const common = { url, room: ROOM, history }
  const subscribers: Subscriber[] = []
  const publishers: Publisher[] = []
  const count = (what: string): number => history.facts.filter(({ fact }) => fact.what === what).length
  const goOn = async (after: string): Promise<void> => {
    const goal = count('answered') + calm
    await until(() => history.violations.length > 0 || count('answered') >= goal, {
      timeoutMs: REST_MS,
      everyMs: 50,
      what: `publishing after ${after}`,
    })
  }
  let log: LoggedEvent[] = []
  try {
    for (const [kind, subscribe] of Object.entries(SUBSCRIBERS)) {
      for (let i = 1; i <= perKind; i++) {
        const name = `${kind}-${i}`
        subscribers.push(subscribe({ ...common, name, token: token({ sub: name }) }))
      }
    }
    await Promise.all(subscribers.map(({ ready }) => ready))
    for (const [kind, publish] of Object.entries(PUBLISHERS)) {
      for (let i = 1; i <= perKind; i++) {
        const name = `by-${kind}-${i}`
        publishers.push(publish({ ...common, name, token: token({ sub: name }), paceMs: PACE_MS }))
      }
    }
    await goOn('the start')
    if (receiver) await fill(scene.server.http)
    for (const fault of faults) {
      for (let round = 1; round <= rounds; round++) {
        history.note('chaos', `${fault}, round ${round}`)
        await commit(fault, scene)
        history.note('chaos', 'over')
        await goOn(fault)
      }
    }
    await Promise.all(publishers.map((publisher) => publisher.finish()))
    log = await readLog(scene.server.http, ROOM)
    const head = log.at(-1)?.seq ?? 0
    const isBehind = ({ name }: Subscriber): boolean => (history.positionOf(name, ROOM)?.seq ?? 0) < head
    const deadline = performance.now() + REST_MS
    while (subscribers.some(isBehind) && performance.now() < deadline) await delay(50)
    history.finish(new Map([[ROOM, { epoch: undefined, first: 1, events: log }]]))
    if (receiver) for (const problem of await undelivered(receiver, log)) history.violate(problem)
  } catch (error) {
    history.violate(String(error))
  } finally {
    for (const subscriber of subscribers) subscriber.close()
    await proxy.close()
    await scene.server.dispose()
    receiver?.close()
  }
  return {
    ...{
      faults: faults.join(),
      rounds,
      acknowledged: count('answered'),
      stored: log.length,
      heard: count('receives'),
      gaps: count('gap'),
    },
    violations: history.violations,
    seconds: (performance.now() - startedMs) / 1_000,
    story: history.story(200),
  }
}

/** Another room, so that a backup takes its time. */
async function fill(url: string): Promise<void> {
  const headers = { authorization: `Bearer ${token({ sub: 'filler' })}` }
  for (let i = 0; i < FILLING.messages; i++) {
    const body = JSON.stringify({ type: 'message:send', roomId: 'filling', content: `${i} ${FILLING.content}` })
    const response = await fetch(`${url}/send`, { method: 'POST', headers, body })
    if (!response.ok) throw new Error(`${response.status} instead of a message in another room`)
  }
}

/** Each event of the log came to the receiver, in the order of the room. */
async function undelivered(receiver: Receiver, log: readonly LoggedEvent[]): Promise<string[]> {
  const seqs = () => {
    const stored = receiver.events.filter(({ type, data }) => type === 'event.stored' && data.roomId === ROOM)
    return [...new Set(stored.map(({ data }) => Number(data.seq)))]
  }
  await until(() => seqs().length >= log.length, { timeoutMs: REST_MS, everyMs: 100 }).catch(() => undefined)
  const had = seqs()
  const missing = log.filter(({ seq }) => !had.includes(seq)).map(({ seq }) => `No webhook says ${ROOM}#${seq}`)
  const late = had.flatMap((seq, index) => {
    const before = had[index - 1]
    return before !== undefined && before > seq ? [`A webhook says ${ROOM}#${seq} after #${before}`] : []
  })
  return [...missing, ...late]
}
