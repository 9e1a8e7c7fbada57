/**
 * What a room knows beside its log, through faults: at the end snapshot and changes are the truth on every client, and a message in
 * pieces was a prefix while it grew and is whole, or interrupted at the stated length, for everyone. D14, D17.
 */
import { isDeepStrictEqual } from 'node:util'
import { UNLIMITED } from '../../outside/lib/server.ts'
import { SECRET, token } from '../../outside/lib/token.ts'
import { until } from '../../outside/lib/wait.ts'
import { Returning } from '../clients/bare.ts'
import type { Message } from '../clients/subscriber.ts'
import { CLI } from '../operations.ts'
import type { Play } from '../play.ts'
import type { Stage } from '../stage.ts'
import { FOLLOWERS, type Follower } from './followers.ts'
import { adder, type Mover, mover, type Replaced, setter, streamer, type Writer, type Written } from './writers.ts'

const ROOM = 'board'
const REST_MS = 40_000
const EVERY_MS = 100
const STORY_LINES = 400
const WRITERS = 2

export interface FactsOptions {
  /** Answers that each writer has to get before and after each fault. */
  readonly calm: number
  readonly paceMs: number
}

/** What a server says when it is asked. */
interface Truth {
  readonly state: Readonly<Record<string, { readonly value: unknown }>>
  readonly users: ReadonlyMap<string, unknown>
}

export class FactsPlay implements Play {
  readonly program = [CLI, 'serve'] as const
  readonly env = {
    ...UNLIMITED,
    JWT_SECRET: SECRET,
    ROOMFUL_PING_INTERVAL_MS: '1000',
    ROOMFUL_PONG_TIMEOUT_MS: '1000',
    ROOMFUL_SOCKETIO_PING_INTERVAL_MS: '1000',
    ROOMFUL_SOCKETIO_PING_TIMEOUT_MS: '2000',
    ROOMFUL_CONNECTS_PER_MINUTE: '0',
    ROOMFUL_MAX_CONNECTIONS_PER_IP: '0',
    ROOMFUL_REPLAY_MAX: '100000',
    ROOMFUL_RETENTION: '1000000',
    ROOMFUL_PRESENCE_PER_SECOND: '0',
    ROOMFUL_STREAM_PIECES_PER_SECOND: '0',
    ROOMFUL_STREAM_CHARS_PER_SECOND: '0',
    ROOMFUL_STREAM_IDLE_MS: '3000',
  }
  readonly room = ROOM
  readonly violations: string[] = []
  private readonly options: FactsOptions
  private readonly startedMs = performance.now()
  private readonly lines: string[] = []
  private readonly followers: Follower[] = []
  private readonly adders: Writer[] = []
  private readonly writers: Writer[] = []
  private readonly movers: Mover[] = []
  private readonly replaced: Replaced = new Map()
  private readonly written = new Map<number, Written>()
  private servers: readonly string[] = []

  constructor(options: FactsOptions) {
    this.options = options
  }

  async enter({ url, servers }: Stage): Promise<void> {
    this.servers = servers
    const common = (name: string) => ({
      ...{ name, url, room: ROOM, token: token({ sub: name }), paceMs: this.options.paceMs },
      wrong: (problem: string) => this.violate(`${name} ${problem}`),
    })
    for (const [kind, follow] of Object.entries(FOLLOWERS)) this.followers.push(follow(common(kind)))
    await Promise.all(this.followers.map(({ ready }) => ready))
    for (let i = 1; i <= WRITERS; i++) {
      this.movers.push(mover(common(`mover-${i}`)))
      this.adders.push(adder(common(`adder-${i}`)))
      this.writers.push(setter(common(`setter-${i}`), this.replaced))
      this.writers.push(streamer(common(`streamer-${i}`), this.written))
    }
    this.writers.push(...this.movers, ...this.adders)
    await Promise.all(this.movers.map(({ ready }) => ready))
  }

  note(text: string): void {
    this.lines.push(`${((performance.now() - this.startedMs) / 1_000).toFixed(3).padStart(9)}  ${text}`)
  }

  violate(problem: string): void {
    this.note(problem)
    if (this.violations.length < 20) this.violations.push(problem)
  }

  async goOn(after: string): Promise<void> {
    const goals = this.writers.map((writer) => {
      // A message is some hundred answers.
      const calm = writer.name.startsWith('streamer') ? 1 : this.options.calm
      return [writer, writer.count + calm] as const
    })
    const behind = () => goals.filter(([writer, goal]) => writer.count < goal).map(([{ name }]) => name)
    await this.until(
      () => behind().length === 0,
      () => `${behind().join()} can change something after ${after}`,
    )
  }

  lose(): void {
    this.note('another Redis begins where the former one ended')
  }

  /** Everyone has what was answered by now. */
  async settle(after: string): Promise<void> {
    const said = this.movers.map((mover) => [mover.name, mover.said] as const)
    const ended = [...this.written].filter(([, { end }]) => end !== 'none').map(([seq, { end }]) => [seq, end] as const)
    const added = this.adders.reduce((sum, { count }) => sum + count, 0)
    const behind = () =>
      this.followers.flatMap(({ name, known }) => {
        const { state, users, messages } = known()
        const message = ended.find(([seq, end]) => messages.get(seq)?.state !== end)
        const user = users && said.find(([userId, at]) => ((users.get(userId) as Message)?.at ?? -1) < at)
        const count = Number(state?.get('count') ?? 0)
        const problem = message
          ? `#${message[0]} is ${messages.get(message[0])?.state} and not ${message[1]}`
          : user
            ? `${user[0]} says ${JSON.stringify(users.get(user[0]))} and not ${user[1]}`
            : state && count < added
              ? `the count is ${count} and not ${added}`
              : undefined
        return problem ? [`${name}: ${problem}`] : []
      })
    await this.until(
      () => behind().length === 0,
      () => `everyone has everything after ${after}. ${behind().join('; ')}`,
    )
  }

  async finish(): Promise<Record<string, number>> {
    await Promise.all(this.writers.map((writer) => writer.finish()))
    let wrong: string[] = []
    const isTrue = async (): Promise<boolean> => {
      wrong = await this.differences()
      return wrong.length === 0
    }
    await until(isTrue, { timeoutMs: REST_MS, everyMs: 250 }).catch(() => undefined)
    for (const problem of wrong) this.violate(problem)
    return {
      additions: this.adders.reduce((sum, { count }) => sum + count, 0),
      versions: this.replaced.size,
      moves: this.movers.reduce((sum, { count }) => sum + count, 0),
      messages: this.written.size,
      whole: [...this.written.values()].filter(({ end }) => end === 'complete').length,
    }
  }

  close(): void {
    for (const follower of this.followers) follower.close()
    for (const writer of this.writers) writer.close()
  }

  story(): string {
    return this.lines.slice(-STORY_LINES).join('\n')
  }

  private async until(isSo: () => boolean, what: () => string): Promise<void> {
    try {
      await until(() => this.violations.length > 0 || isSo(), { timeoutMs: REST_MS, everyMs: EVERY_MS })
    } catch {
      throw new Error(`Not within ${REST_MS} ms: ${what()}`)
    }
  }

  /** Between what servers say, what writers were answered, and what clients have. */
  private async differences(): Promise<string[]> {
    const truths = await Promise.all(this.servers.map((url, index) => askTruth(url, `watcher-${index}`)))
    const stored = await readStored(this.servers[0] as string)
    const [truth] = truths as [Truth]
    const wrong: string[] = []
    for (const [index, other] of truths.entries()) {
      if (!isDeepStrictEqual(valuesOf(other), valuesOf(truth))) wrong.push(`server ${index + 1} has other state`)
      if (!isDeepStrictEqual(usersOf(other.users), usersOf(truth.users)))
        wrong.push(`server ${index + 1} has other users: ${show(usersOf(other.users))}, ${show(usersOf(truth.users))}`)
    }
    const added = this.adders.reduce((sum, { count }) => sum + count, 0)
    if (truth.state.count?.value !== added)
      wrong.push(`the count is ${truth.state.count?.value} after ${added} additions`)
    for (const { name, said } of this.movers) {
      if ((truth.users.get(name) as Message | undefined)?.at !== said)
        wrong.push(`${name} says ${show(truth.users.get(name))} and was answered ${said}`)
    }
    for (const [seq, entry] of this.written) wrong.push(...checkWritten(seq, entry, stored.get(seq)))
    for (const { name, known } of this.followers) {
      const { state, users, messages } = known()
      if (state && !isDeepStrictEqual(Object.fromEntries(state), valuesOf(truth)))
        wrong.push(`${name} has the state ${show(Object.fromEntries(state))}, and it is ${show(valuesOf(truth))}`)
      if (users && !isDeepStrictEqual(usersOf(users, name), usersOf(truth.users, name)))
        wrong.push(`${name} has the users ${show(usersOf(users, name))}, and it is ${show(usersOf(truth.users, name))}`)
      for (const [seq, { content, state: end }] of stored) {
        const has = messages.get(seq)
        if (has?.text !== content || has.state !== end)
          wrong.push(
            `${name} has #${seq} as ${has?.state} with ${has?.text.length}, and it is ${end} with ${content.length}`,
          )
      }
    }
    return wrong
  }
}

function checkWritten(seq: number, { text, length, end }: Written, stored: Stored | undefined): string[] {
  if (!stored) return [`#${seq} was answered, and is not in the log`]
  const { content, state } = stored
  const wrong: string[] = []
  if (!text.startsWith(content)) wrong.push(`#${seq} is ${show(content.slice(-40))}, which its writer did not write`)
  if (content.length < length) wrong.push(`#${seq} has ${content.length}, and ${length} was answered`)
  if (end !== 'none' && state !== end) wrong.push(`#${seq} was answered to be ${end}, and is ${state}`)
  if (state === undefined) wrong.push(`#${seq} has no end`)
  if (end === 'complete' && content !== text) wrong.push(`#${seq} is complete, and has not all of its text`)
  return wrong
}

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? 'nothing'

function valuesOf({ state }: Truth): Record<string, unknown> {
  return Object.fromEntries(Object.entries(state).map(([name, { value }]) => [name, value]))
}

/** Clients of the run; polls come and go, and a client is not sent of itself what it knows. */
function usersOf(users: ReadonlyMap<string, unknown>, self?: string): Record<string, unknown> {
  const those = [...users].filter(([userId]) => !userId.startsWith('watcher') && userId !== 'poll' && userId !== self)
  return Object.fromEntries(
    those.sort(([a], [b]) => (a < b ? -1 : 1)).map(([userId, state]) => [userId, state ?? null]),
  )
}

async function askTruth(url: string, name: string): Promise<Truth> {
  const { promise, resolve } = Promise.withResolvers<Truth>()
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token({ sub: name })}`,
    onOpen: () => socket.send({ type: 'room:join', id: 'join', roomId: ROOM }),
    onMessage: ({ type, error, data }) => {
      if (type !== 'ack' || error !== undefined) return
      const users = new Map((data.users as Message[]).map(({ userId, state }) => [String(userId), state]))
      resolve({ state: data.facts.state, users })
    },
    onRefused: () => undefined,
  })
  try {
    return await promise
  } finally {
    socket.close()
  }
}

interface Stored {
  readonly content: string
  readonly state: string | undefined
}

/** Messages as history shows them. */
async function readStored(url: string): Promise<Map<number, Stored>> {
  const stored = new Map<number, Stored>()
  const headers = { authorization: `Bearer ${token({ sub: 'watcher-log' })}` }
  for (let after = 0; ; ) {
    const response = await fetch(`${url}/api/rooms/${ROOM}/events?after=${after}&limit=100`, { headers })
    const page = (await response.json()) as { events: Message[]; more: boolean }
    for (const { type, seq, content, state } of page.events) {
      if (type === 'message:new' || type === 'chat:message') stored.set(seq, { content, state })
      after = seq
    }
    if (!page.more) return stored
  }
}
