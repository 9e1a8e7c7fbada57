/**
 * Rounds of faults against several nodes on one Redis, with clients of every kind behind nginx that knows no stickiness. After
 * each round everyone has everything and every node names the same users; in the end all is compared with the log. R1, D2,
 * D3, D9, D15, N8, N9, N12.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { SeededRandom } from '@roomful/testkit'
import { type Fact, formatFact, History, type LoggedRoom } from '@roomful/testkit/history'
import { token } from '../../outside/lib/token.ts'
import { until } from '../../outside/lib/wait.ts'
import { barePublisher, bareSubscriber, Returning } from '../clients/bare.ts'
import { eventSourceSubscriber } from '../clients/event-source.ts'
import { longPollSubscriber, postPublisher, shortPollSubscriber } from '../clients/long-poll.ts'
import type { Publisher } from '../clients/publisher.ts'
import { sdkBy, sdkPublisher } from '../clients/sdk.ts'
import { pollingPublisher, pollingSubscriber, socketIoSubscriber } from '../clients/socketio.ts'
import type { Message, Subscriber } from '../clients/subscriber.ts'
import { readLog } from '../log.ts'
import { ChaosCluster } from './cluster.ts'
import { commitNodeFault, type NodeFault, WITHOUT_FLICKER } from './faults.ts'
import { Pace } from './pace.ts'
import { PresenceWatch } from './presence.ts'

export interface RoundsOptions {
  readonly nodes: number
  /** One for each round. */
  readonly faults: readonly NodeFault[]
  readonly seed: number
  /** Messages of each publisher that have to go through before and after each fault. */
  readonly calm: number
  readonly onRound?: (line: string) => void
}

export interface RoundsOutcome {
  readonly rounds: number
  readonly acknowledged: number
  readonly stored: number
  readonly heard: number
  /** Logs that lost an end, so that the room got another epoch. */
  readonly losses: number
  /** Rounds without a flicker in which the machine did not keep up, so that a leave did not count. */
  readonly starved: number
  readonly violations: readonly string[]
  readonly seconds: number
  /** What happened in the round of the violation. */
  readonly story: string
}

const ROOM = 'chaos'
const PACE_MS = 40
const REST_MS = 40_000
/** G6. */
const PRESENCE_MS = 15_000
/** A client that is cut off has 5 s to come back, of which a machine that does not keep up takes its part. */
const GRACE_MS = 5_000
const STARVED_MS = 2_000
const STORY_LINES = 5_000

const SUBSCRIBERS = {
  sdk: sdkBy('websocket'),
  'sdk-sse': sdkBy('sse'),
  'sdk-poll': sdkBy('poll'),
  ws: bareSubscriber,
  'ws-2': bareSubscriber,
  io: socketIoSubscriber,
  'io-poll': pollingSubscriber,
  sse: eventSourceSubscriber,
  poll: longPollSubscriber,
  short: shortPollSubscriber,
}
const PUBLISHERS = { sdk: sdkPublisher, ws: barePublisher, post: postPublisher, io: pollingPublisher }
/** Those that are in the room as well. */
const JOINED = 'by-sdk'

export async function runRounds(options: RoundsOptions): Promise<RoundsOutcome> {
  const run = new Rounds(options)
  return run.play()
}

class Rounds {
  private readonly options: RoundsOptions
  private readonly startedMs = performance.now()
  private readonly history = new History({ nowMs: () => performance.now() - this.startedMs })
  private readonly random: SeededRandom
  private readonly subscribers: Subscriber[] = []
  private readonly publishers: Publisher[] = []
  private readonly earlier = new Map<string, number>()
  private epoch = ''
  private losses = 0
  private rounds = 0
  /** Which fact was the first of it. */
  private roundBegan = 0
  /** Set while users may not be seen to leave. */
  private isSteady = false
  private isStarved = false
  private starved = 0
  private stored = 0
  private readonly pace = new Pace()

  constructor(options: RoundsOptions) {
    this.options = options
    this.random = new SeededRandom(options.seed)
  }

  async play(): Promise<RoundsOutcome> {
    const { history, options } = this
    const cluster = await ChaosCluster.start(options.nodes, (line) => history.note('log', line))
    const watch = new PresenceWatch({
      cluster,
      room: ROOM,
      onRefused: (who, why) => history.violate(`${who} was ${why}`),
    })
    try {
      await this.enter(cluster)
      await this.goOn('the start')
      for (const fault of options.faults) {
        await this.round(fault, cluster, watch)
        if (history.violations.length > 0) break
      }
      await this.finish(cluster)
    } catch (error) {
      history.violate(`round ${this.rounds}: ${String(error)}`)
    } finally {
      for (const subscriber of this.subscribers) subscriber.close()
      watch.close()
      this.pace.close()
      await cluster.stop()
    }
    const { losses, rounds, starved, stored } = this
    return {
      ...{ rounds, acknowledged: this.count('answered'), stored, heard: this.count('receives'), losses, starved },
      violations: history.violations,
      seconds: (performance.now() - this.startedMs) / 1_000,
      story: history.facts.slice(this.roundBegan).slice(-STORY_LINES).map(formatFact).join('\n'),
    }
  }

  private async enter({ url, nodes }: ChaosCluster): Promise<void> {
    const { history } = this
    this.epoch = await epochOf(nodes[0]?.url ?? '')
    const common = { url, room: ROOM, history, epoch: this.epoch, onEvent: (message: Message) => this.onEvent(message) }
    for (const [name, subscribe] of Object.entries(SUBSCRIBERS)) {
      this.subscribers.push(subscribe({ ...common, name, token: token({ sub: name }) }))
    }
    await Promise.all(this.subscribers.map(({ ready }) => ready))
    for (const [kind, publish] of Object.entries(PUBLISHERS)) {
      const name = `by-${kind}`
      this.publishers.push(publish({ ...common, name, token: token({ sub: name }), paceMs: PACE_MS }))
    }
  }

  private async round(fault: NodeFault, cluster: ChaosCluster, watch: PresenceWatch): Promise<void> {
    const { history, options } = this
    const round = ++this.rounds
    const random = this.random.fork(`round ${round}`)
    if (WITHOUT_FLICKER.includes(fault)) await this.settled()
    const victim = random.pick(cluster.nodes)
    const facts = history.facts.length
    this.roundBegan = facts
    const startMs = performance.now()
    history.note('chaos', `round ${round}: ${fault}, node ${victim.name}`)
    const ghost = await haunt(victim.url, `ghost-${round}`)
    let lostTo: number | undefined
    this.isSteady = WITHOUT_FLICKER.includes(fault)
    this.isStarved = false
    const done = commitNodeFault(fault, {
      ...{ cluster, random, victim, room: ROOM },
      note: (text) => history.note('chaos', text),
      onLoss: (head) => {
        lostTo = this.lose(head)
      },
    })
    await delay(random.integer(300))
    ghost.vanish()
    await done
    history.note('chaos', 'over')
    await this.goOn(fault)
    const expected = [...this.subscribers.map(({ name }) => name), JOINED]
    for (const wrong of await watch.settled(expected, PRESENCE_MS))
      history.violate(`round ${round} (${fault}): ${wrong}`)
    this.isSteady = false
    await this.caughtUp(fault)
    await this.checkGaps({ fault, facts, lostTo, cluster })
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
    if (this.isStarved) this.starved++
    const starved = this.isStarved ? ', and the machine did not keep up' : ''
    options.onRound?.(`round ${round} of ${options.faults.length}: ${fault} at ${victim.name}, ${seconds} s${starved}`)
  }

  /** A client that was cut off again and again stays away for longer, on purpose, and may be seen to leave for that. */
  private async settled(): Promise<void> {
    const clients = [...this.subscribers, ...this.publishers]
    const isSettled = () => clients.every((client) => client.isSettled?.() ?? true)
    await until(isSettled, { timeoutMs: REST_MS, everyMs: 50, what: 'every link to last' })
  }

  /** The log ends there from now on. @returns that, when something was received or answered that is gone */
  private lose(head: number): number | undefined {
    let known = 0
    for (const { fact } of this.history.facts) if (isOfLog(fact)) known = Math.max(known, fact.seq ?? 0)
    if (known <= head) return undefined
    this.losses++
    this.earlier.set(this.epoch, head)
    this.history.record('chaos', { what: 'log cut', heads: new Map([[ROOM, head]]) })
    return head
  }

  /** Epochs change only where something was lost, and then for everyone. */
  private async checkGaps(round: { fault: string; facts: number; lostTo: number | undefined; cluster: ChaosCluster }) {
    const { history } = this
    // Where Redis is full the oldest events go.
    const isLoss = (fact: Fact): boolean =>
      fact.what === 'gap' && !(round.fault === 'maxmemory' && fact.reason === 'trimmed')
    const gaps = history.facts.slice(round.facts).filter(({ fact }) => isLoss(fact))
    if (round.lostTo === undefined) {
      for (const gap of gaps) history.violate(`${round.fault}: a gap, though nothing was lost: ${formatFact(gap)}`)
      return
    }
    this.epoch = await epochOf(round.cluster.nodes[0]?.url ?? '')
    if (this.earlier.has(this.epoch))
      history.violate(`${round.fault}: the log lost its end and is still of epoch ${this.epoch}`)
    for (const { name } of this.subscribers) {
      if (!gaps.some(({ who }) => who === name))
        history.violate(`${round.fault}: ${name} was not sent that something is lost`)
    }
  }

  private onEvent({ type, userId, roomId, reason }: Message): void {
    const isExpected = this.subscribers.some(({ name }) => name === userId) || userId === JOINED
    if (type !== 'user:left' || roomId !== ROOM || !isExpected || !this.isSteady) return
    const lateMs = this.pace.lateMs(2 * GRACE_MS)
    if (lateMs > STARVED_MS) {
      this.isStarved = true
      this.history.note('chaos', `${userId} was seen to leave (${reason}) while the machine was ${lateMs} ms late`)
      return
    }
    this.history.violate(`round ${this.rounds}: ${userId} was seen to leave (${reason})`)
  }

  private async goOn(after: string): Promise<void> {
    const { history, publishers, options } = this
    const goals = publishers.map(({ name }) => [name, this.count('answered', name) + options.calm] as const)
    const behind = () => goals.filter(([name, goal]) => this.count('answered', name) < goal).map(([name]) => name)
    try {
      await until(() => history.violations.length > 0 || behind().length === 0, { timeoutMs: REST_MS, everyMs: 50 })
    } catch {
      history.violate(`${behind().join()} cannot publish after ${after}`)
    }
  }

  /** Everyone has what was answered by now. */
  private async caughtUp(after: string): Promise<void> {
    const { history } = this
    const answered = history.facts.findLast(({ fact }) => fact.what === 'answered')?.fact
    const head = answered?.what === 'answered' ? (answered.seq ?? 0) : 0
    const behind = () => this.subscribers.filter(({ name }) => (history.positionOf(name, ROOM)?.seq ?? 0) < head)
    try {
      await until(() => history.violations.length > 0 || behind().length === 0, { timeoutMs: REST_MS, everyMs: 50 })
    } catch {
      const where = behind().map(({ name }) => `${name} (#${history.positionOf(name, ROOM)?.seq})`)
      history.violate(`${where.join()} did not get #${head} after ${after}`)
    }
  }

  private async finish({ nodes }: ChaosCluster): Promise<void> {
    const { history, publishers } = this
    const finished = Promise.all(publishers.map((publisher) => publisher.finish()))
    await Promise.race([finished, delay(REST_MS, undefined, { ref: false })])
    const events = await readLog(nodes[0]?.url ?? '', ROOM)
    this.stored = events.length
    const head = events.at(-1)?.seq ?? 0
    await until(() => this.subscribers.every(({ name }) => (history.positionOf(name, ROOM)?.seq ?? 0) >= head), {
      timeoutMs: REST_MS,
      everyMs: 50,
    }).catch(() => undefined) // the check says who
    const room: LoggedRoom = { epoch: this.epoch, earlier: this.earlier, first: events[0]?.seq ?? 1, events }
    history.finish(new Map([[ROOM, room]]))
  }

  private count(what: string, who?: string): number {
    return this.history.facts.filter((each) => each.fact.what === what && (who === undefined || each.who === who))
      .length
  }
}

function isOfLog(fact: Fact): fact is Extract<Fact, { what: 'receives' | 'answered' }> {
  return fact.what === 'receives' || fact.what === 'answered'
}

/** A user who is in the room by one node, and goes without a word. */
async function haunt(url: string, name: string): Promise<Returning> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token({ sub: name })}`,
    onOpen: () => socket.send({ type: 'room:join', id: 'join', roomId: ROOM }),
    onMessage: ({ type }) => type === 'ack' && resolve(),
    onRefused: () => undefined,
  })
  await Promise.race([promise, delay(REST_MS, undefined, { ref: false })])
  return socket
}

async function epochOf(url: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token({ sub: 'watcher-epoch' })}`,
    onOpen: () => socket.send({ type: 'room:join', id: 'join', roomId: ROOM }),
    onMessage: ({ type, data }) => type === 'ack' && data && resolve(String(data.epoch)),
    onRefused: () => undefined,
  })
  const epoch = await Promise.race([promise, delay(REST_MS, '', { ref: false })])
  socket.close()
  return epoch
}
