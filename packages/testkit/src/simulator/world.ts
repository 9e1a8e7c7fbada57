/**
 * One run: a machine with its disk, or several that share a Redis, and clients with a network each, driven by a plan. After
 * the last step all faults end, everything comes to rest, and the guarantees are checked. Then all clients leave, and
 * nothing may remain.
 */
import { inboxOf } from '@roomful/protocol'
import { TestAuthenticator } from '../authenticator.ts'
import { VirtualClock } from '../clock.ts'
import { History } from '../history/history.ts'
import type { LoggedRoom } from '../history/sent.ts'
import { SeededRandom } from '../random.ts'
import { type Actor, type ActorOptions, OwnMessages } from './actors/actor.ts'
import { BareActor } from './actors/bare-actor.ts'
import { SdkActor } from './actors/sdk-actor.ts'
import type { Application } from './application.ts'
import { Cluster } from './cluster.ts'
import { SimulatedDisk } from './disk.ts'
import {
  checkBounds,
  checkEpochs,
  checkInboxes,
  checkLeftovers,
  checkNodes,
  checkNotices,
  checkPresence,
  checkSessions,
} from './invariants.ts'
import { Machine, type MachineOptions } from './machine.ts'
import { MailboxWatch } from './mailbox-watch.ts'
import { SimulatedNetwork } from './network.ts'
import { describeStep, type Plan, type Step } from './plan.ts'
import { PresenceWatch } from './presence-watch.ts'
import type { Way } from './redis/way.ts'

/** How an event begins that the server itself stores. */
const NOTICE = 'notice '
/** Longest wait for everything to come to rest: a few of the SDK's longest backoffs. */
const REST_MAX_MS = 180_000
/** Until every client that was cut off has detected it. */
const NOTICE_MS = 12_000
/** Then, until presence is settled: longer than any grace. */
const QUIET_MS = 8_000
/** Until what clients ask at the end is answered. */
const ASKED_MS = 2_000
const CALM_DELAY_MS = 50
/** After everyone left, until nothing is kept for them: longer than a session lives. */
const AFTERMATH_MS = 30_000

const BREAKS: ReadonlySet<Step['do']> = new Set([
  ...(['power failure', 'promote', 'disk stalls'] as const),
  ...(['suspend', 'isolate', 'disconnect', 'lose pushes'] as const),
])

export class World {
  readonly clock = new VirtualClock()
  readonly history: History
  readonly machines: readonly Machine[]
  readonly storage: SimulatedDisk | Cluster
  readonly actors: readonly Actor[]
  private readonly watch: PresenceWatch
  private readonly mailboxes: MailboxWatch
  private readonly plan: Plan
  private readonly application: Application
  private readonly admins: Set<string>
  private readonly disconnects: SeededRandom
  private notices = 0
  private areFaultsOver = false
  /** A node may have lost its connection to Redis, or a message. */
  private hasBreaks = false
  /** Redis has lost something that it had answered. */
  private hasLosses = false

  constructor(plan: Plan, application: Application) {
    this.plan = plan
    this.application = application
    this.admins = new Set(plan.admins)
    const { clock } = this
    const random = new SeededRandom(plan.seed).fork('world')
    this.disconnects = new SeededRandom(plan.seed).fork('disconnects')
    this.history = new History({ nowMs: () => clock.monotonic(), replayMax: plan.settings.replayMax ?? 1_000 })
    const { namespace, setUp, broker, onServer } = application
    const onProblem = (problem: string): void => this.history.violate(problem)
    this.watch = new PresenceWatch({ clock, namespace, machines: () => this.machines, onProblem })
    this.mailboxes = new MailboxWatch(namespace, onProblem)
    const storage = this.makeStorage(random)
    this.storage = storage
    const authenticator = new TestAuthenticator(clock)
    const makeMachine = (name: string, more: Pick<MachineOptions, 'mount' | 'onEnd' | 'tap'>): Machine =>
      new Machine({
        ...{ clock, random: random.fork(name), authenticator, settings: plan.settings },
        ...{ setUp, broker, onServer },
        ...more,
      })
    this.machines =
      storage instanceof Cluster
        ? storage.ways.map((way, index) =>
            makeMachine(`machine ${index}`, {
              mount: (life) => storage.mount(index, life),
              onEnd: (isSilent) => way.end(isSilent),
              tap: (machine, below) => this.watch.tap(machine, this.mailboxes.tap(below, namespace)),
            }),
          )
        : [makeMachine('machine', { mount: (life) => ({ storage: storage.mount(life) }) })]
    for (const machine of this.machines) machine.startAfter(0)
    const messages = new Map(
      plan.clients.map(({ user }) => [user, new OwnMessages(random.fork(`messages of ${user}`))]),
    )
    this.actors = plan.clients.map(({ kind, name, user, flow }) => {
      const own = random.fork(name)
      const balancer = random.fork(`balancer of ${name}`)
      const host = (): Machine => this.pickMachine(balancer)
      const network = new SimulatedNetwork({ clock, namespace, host, delayMs: () => this.delay(own) })
      const options: ActorOptions = {
        ...{ name, user, clock, network, random: own, vocabulary: application, flow },
        history: flow === undefined ? this.history : this.onlyNotes(),
        mayBeBehind: () => this.hasBreaks || flow !== undefined,
        companion: application.extras?.companion,
        replayMax: plan.settings.replayMax ?? 1_000,
        truth: (roomId) => this.storage.stored.facts.room(namespace, roomId),
        contentBytes: plan.contentBytes,
        own: messages.get(user) as OwnMessages,
        headOf: (roomId) => this.storage.stored.head(namespace, roomId),
        token: () => authenticator.issue(this.identity(user), plan.tokenMs ? { expiresInMs: plan.tokenMs } : {}),
      }
      return kind === 'sdk' ? new SdkActor(options) : new BareActor(options)
    })
  }

  async run(): Promise<void> {
    for (const [index, actor] of this.actors.entries()) {
      for (const room of this.plan.rooms.slice(0, 1 + (index % this.plan.rooms.length))) actor.join(room)
    }
    for (const step of this.plan.steps) {
      this.take(step)
      await this.clock.advance(step.thenMs)
      this.look()
      if (this.history.violations.length > 0) return
    }
    await this.rest()
    if (this.history.violations.length === 0) await this.compare()
    if (this.history.violations.length === 0) await this.leave()
  }

  /** Stops everything that would keep the process alive. */
  close(): void {
    for (const machine of this.machines) machine.kill()
    this.storage.close()
  }

  private take(step: Step): void {
    const actor = 'who' in step ? (this.actors[step.who] as Actor) : undefined
    const room = 'room' in step ? (this.plan.rooms[step.room] as string) : ''
    if (!['say', 'revise', 'take back', 'say privately', 'chatter', 'deed'].includes(step.do))
      this.history.note('→', describeStep(this.plan, step))
    if (this.storage instanceof Cluster && BREAKS.has(step.do)) this.hasBreaks = true
    switch (step.do) {
      case 'say':
        for (let i = 0; i < step.times; i++) actor?.say(room)
        return
      case 'revise':
        return actor?.revise(room)
      case 'take back':
        return actor?.takeBack(room)
      case 'say privately':
        return this.sendPrivate(step.who, step.to)
      case 'chatter':
        return actor?.chatter(room)
      case 'join':
        return actor?.join(room)
      case 'leave':
        return actor?.leave(room)
      case 'deed':
        return this.deed(step.what, step.who, room, step.pick)
      case 'cut':
        return actor?.network.cut()
      case 'outage':
        return actor?.network.outage()
      case 'heal':
        return actor?.network.heal()
      case 'black hole':
        return actor?.network.blackHole(step.notices)
      case 'stall':
        return actor?.network.stall()
      case 'drain':
        return actor?.network.drain()
      case 'go away':
        return actor?.goAway()
      case 'come back':
        return actor?.comeBack()
      case 'change role':
        return this.changeRole(actor?.user ?? '')
      case 'kill':
        return this.kill(this.machineOf(step.node), step.downMs, step.isSilent)
      case 'deploy':
        return this.machineOf(step.node).deploy(step.downMs)
      case 'power failure':
        return this.powerFailure(step.downMs, step.effects)
      case 'disk stalls':
        return this.storage.stall(step.forMs)
      case 'disk is full':
        return this.storage.fill(step.forMs)
      case 'suspend':
        return this.suspend(step.node, step.forMs)
      case 'isolate':
        return this.isolate(step.node, step.forMs)
      case 'disconnect':
        return this.disconnect(step.node)
      case 'lose pushes':
        return this.losePushes(step.node, step.pushes)
      case 'promote':
        return this.loseTail(0, step.effects)
      default:
        return step satisfies never
    }
  }

  private deed(what: string, who: number, room: string, pick: number): void {
    const all = what.startsWith('all: ') ? this.actors : [this.actors[who] as Actor]
    for (const { companion, isPresent } of all) if (isPresent) companion?.deed(what, room, pick)
  }

  /** Of a client that does not follow the numbers of a room. */
  private onlyNotes(): ActorOptions['history'] {
    const { history } = this
    return {
      record: (who, fact) => {
        if (fact.what === 'says' || fact.what === 'answered' || fact.what === 'refused') history.record(who, fact)
      },
      note: (who, text) => history.note(who, text),
      violate: (problem) => history.violate(problem),
    }
  }

  private sendPrivate(who: number, to: number): void {
    const [actor, { user }] = [this.actors[who] as Actor, this.actors[to] as Actor]
    if (user !== actor.user) actor.sendPrivate(user)
  }

  private makeStorage(random: SeededRandom): SimulatedDisk | Cluster {
    const { clock, plan } = this
    const { nodes, networkMs, diskMs, retention } = plan
    if (nodes !== undefined) {
      const onProblem = (problem: string): void => this.history.violate(problem)
      const onPublish = (channel: string, message: string): void => {
        this.watch.onPublish(channel, message)
        this.mailboxes.onPublish(channel, message)
      }
      const links = { networkMs, diskMs, onProblem, onPublish }
      return new Cluster({ clock, nodes, retention, ...links, random: random.fork('cluster') })
    }
    const diskRandom = random.fork('disk')
    const latency = (): number => (diskMs === 0 ? 0 : diskRandom.integer(diskMs))
    return new SimulatedDisk({
      ...{ clock, seed: `disk ${plan.seed}`, limits: { retention } },
      pace: { effectMs: latency, answerMs: latency },
    })
  }

  private machineOf(node = 0): Machine {
    return this.machines[node] as Machine
  }

  private wayOf(node: number): Way | undefined {
    return this.storage instanceof Cluster ? this.storage.ways[node] : undefined
  }

  /** A balancer sends a link to a machine that is up, most of the time. */
  private pickMachine(random: SeededRandom): Machine {
    if (this.machines.length === 1) return this.machineOf()
    const up = this.machines.filter(({ isUp }) => isUp)
    return random.pick(up.length === 0 || random.integer(12) === 0 ? this.machines : up)
  }

  private kill(machine: Machine, downMs: number, isSilent: boolean): void {
    machine.kill(isSilent)
    for (const { network } of this.actors) network.loseServer(machine, isSilent)
    machine.startAfter(downMs)
  }

  private powerFailure(downMs: number, effects: number): void {
    if (this.storage instanceof Cluster) return this.loseTail(downMs, effects)
    this.kill(this.machineOf(), downMs, true)
    this.storage.loseTail(effects)
    this.recordLoss()
  }

  /** Redis is killed, or a copy takes its place: nodes stay, and some of what they were answered is gone. */
  private loseTail(downMs: number, effects: number): void {
    if (!(this.storage instanceof Cluster)) return
    const { stored } = this.storage
    this.storage.redis.restart(downMs, effects)
    this.mailboxes.forget()
    const lost = stored.lostIn(this.storage.stored)
    if (effects === 0) return
    this.hasLosses = true
    this.watch.noteLoss()
    for (const machine of this.machines) this.watch.noteFault(machine, downMs)
    this.recordLoss(lost)
  }

  private recordLoss(lost?: ReadonlyMap<string, number>): void {
    const { namespace } = this.application
    const heads = new Map(this.plan.rooms.map((room) => [room, this.storage.stored.head(namespace, room)]))
    this.history.record('server', { what: 'log cut', heads, ...(lost ? { lost } : {}) })
    for (const { companion } of this.actors) companion?.logCut()
  }

  private suspend(node: number, forMs: number): void {
    const machine = this.machineOf(node)
    const way = this.wayOf(node)
    this.watch.noteFault(machine, forMs)
    const hold = (stands: boolean): void => {
      for (const { network } of this.actors) network.suspend(machine, stands)
      if (stands) way?.hold('suspended')
      else if (!machine.stands) way?.release('suspended')
    }
    machine.stand(forMs)
    hold(true)
    this.clock.after(forMs, () => hold(machine.stands))
  }

  private isolate(node: number, forMs: number): void {
    const way = this.wayOf(node)
    this.watch.noteFault(this.machineOf(node), forMs)
    way?.outage()
    this.clock.after(forMs, () => way?.heal())
  }

  /** The server is storing something of its own at the time, so that it is executed, and the answer may be lost. */
  private disconnect(node: number): void {
    const { server } = this.machineOf(node)
    const { announce } = this.application
    for (const room of this.plan.rooms.slice(0, 2)) {
      // Refused is well: it must only not be there twice.
      if (server && announce) announce(server, room, `${NOTICE}${++this.notices}`).catch(() => undefined)
    }
    this.clock.after(this.disconnects.integer(3 * this.plan.networkMs), () => this.wayOf(node)?.cut())
  }

  private losePushes(node: number, pushes: number): void {
    const way = this.wayOf(node)
    if (way) way.pushesToLose = pushes
  }

  /** At once on open connections, and in every token from now on. */
  private changeRole(user: string): void {
    if (!this.admins.delete(user)) this.admins.add(user)
    for (const { server } of this.machines) {
      const namespace = server?.get(this.application.namespace)
      for (const connection of namespace?.state.users.get(user)?.connections ?? []) {
        server?.hub.identities.become(connection, { ...connection.user, role: this.role(user) })
      }
    }
  }

  private role(user: string): string {
    return this.admins.has(user) ? 'admin' : 'user'
  }

  private identity(user: string): { sub: string; role: string } {
    return { sub: user, role: this.role(user) }
  }

  /** Some messages take long, but none at rest, where one would look lost. */
  private delay(random: SeededRandom): number {
    const ms = 1 + random.integer(this.plan.networkMs)
    if (this.areFaultsOver) return Math.min(ms, CALM_DELAY_MS)
    return random.integer(40) === 0 ? ms * 10 : ms
  }

  /** All faults end, and everyone is there. */
  private async rest(): Promise<void> {
    this.history.note('world', 'all faults end')
    this.areFaultsOver = true
    this.storage.recover()
    for (const actor of this.actors) {
      actor.network.heal()
      actor.network.drain()
      actor.comeBack()
    }
    await this.clock.advance(NOTICE_MS)
    const rested = await this.clock.find(() => (this.isAtRest() ? true : undefined), REST_MAX_MS)
    await this.clock.advance(QUIET_MS)
    if (rested && this.application.extras) await this.ask()
    this.look()
    if (rested) return
    for (const actor of this.actors) {
      const what = actor.waitsFor()
      if (what) this.history.violate(`${actor.name} still waits for ${what}`)
    }
    if (!this.areMachinesUp) this.history.violate('the server is not up')
  }

  /** Clients ask what is compared with the log. */
  private async ask(): Promise<void> {
    for (const { companion } of this.actors) companion?.ask()
    await this.clock.advance(ASKED_MS)
  }

  private isAtRest(): boolean {
    return this.areMachinesUp && this.actors.every((actor) => actor.waitsFor() === undefined)
  }

  private get areMachinesUp(): boolean {
    return this.machines.every(({ isUp, stands }) => isUp && !stands)
  }

  private async compare(): Promise<void> {
    const { namespace } = this.application
    const inboxes = new Set(this.actors.map(({ user }) => inboxOf(user)))
    const heads = await this.storage.heads(namespace, [...this.plan.rooms, ...inboxes])
    const emptied = await this.storage.emptied(namespace, this.plan.rooms)
    const log = new Map<string, LoggedRoom>(
      heads.map(({ roomId, epoch, first }) => [
        roomId,
        { epoch, first, events: this.storage.stored.events(namespace, roomId), emptied: emptied.get(roomId) },
      ]),
    )
    this.history.finish(log)
    const problems = [
      ...checkPresence(this.machines, namespace, this.plan.rooms, this.actors),
      ...checkNotices(log, NOTICE),
      ...(this.plan.steps.some(losesEvents) ? [] : checkInboxes(log, this.actors)),
      ...(this.storage instanceof Cluster && !this.hasLosses
        ? [...checkEpochs(this.history), ...checkSessions(this.machines, this.storage, namespace)]
        : []),
    ]
    for (const problem of problems) this.history.violate(problem)
    for (const problem of await this.compareExtras(log)) this.history.violate(problem)
    try {
      for (const { server } of this.machines) await this.application.check?.({ server, log })
    } catch (error) {
      this.history.violate(error instanceof Error ? error.message : String(error))
    }
  }

  private async compareExtras(log: ReadonlyMap<string, LoggedRoom>): Promise<readonly string[]> {
    const { namespace, extras } = this.application
    if (!extras) return []
    const { facts } = this.storage.stored
    const truth = (roomId: string) => facts.room(namespace, roomId)
    for (const [roomId, { first }] of log) truth(roomId).first = first
    const { actors, machines } = this
    const checked = extras.check({ namespace, rooms: this.plan.rooms, actors, machines, log, truth })
    return [...facts.problems, ...(await this.clock.until(checked))]
  }

  /** Everyone leaves, and nothing may be left of them. */
  private async leave(): Promise<void> {
    this.history.note('world', 'everyone leaves')
    for (const actor of this.actors) actor.goAway()
    await this.clock.advance(AFTERMATH_MS)
    const { namespace } = this.application
    const problems =
      this.storage instanceof Cluster
        ? checkNodes(this.machines, this.storage, namespace)
        : checkLeftovers(this.machineOf(), namespace, this.clock)
    for (const problem of problems) this.history.violate(problem)
  }

  private look(): void {
    this.watch.look()
    for (const machine of this.machines) {
      for (const problem of checkBounds(machine, this.application.namespace)) this.history.violate(problem)
    }
  }
}

function losesEvents(step: Step): boolean {
  return step.do === 'power failure' || step.do === 'promote'
}
