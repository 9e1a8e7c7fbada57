/**
 * What happens to two nodes and one Redis, and how long clients notice: many joins at once (N7), a node that is killed (N8),
 * Redis killed and started again by a supervisor (N9), and everyone coming back with events missed (N10). Each is bound to
 * 30 seconds.
 */
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { WebSocket } from 'ws'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { type RedisOptions, startRedis } from '../../scripts/lib/cluster/redis.ts'
import { Service } from '../../scripts/lib/cluster/service.ts'
import { BareClient } from './bare-client.ts'
import { ServerProcess } from './server-process.ts'
import { whole } from './table.ts'

const GIVE_UP_MS = 30_000
/** Of bench/server.ts. */
const SECRET = 'a secret of the benchmark server only'
const CLK_TCK = 100

interface Nodes {
  readonly redisPort: number
  /** It changes when Redis is started again. */
  readonly redisPid: () => number
  readonly a: ServerProcess
  readonly b: ServerProcess
}

async function withNodes<T>(appendfsync: RedisOptions['appendfsync'], use: (nodes: Nodes) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-bench-'))
  const redisPort = await freePort()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => undefined)
  const redis = new Service({
    name: 'Redis',
    start: (signal) => startRedis({ port: redisPort, folder, appendfsync, signal }),
    say: () => undefined,
    onGivenUp: () => failed.reject(new Error('Redis does not stay up')),
  })
  const nodes: ServerProcess[] = []
  try {
    await redis.start()
    const args = ['--store', 'redis', '--redis', `redis://127.0.0.1:${redisPort}`]
    for (let i = 0; i < 2; i++) nodes.push(await ServerProcess.start('server.ts', args))
    const [a, b] = nodes as [ServerProcess, ServerProcess]
    return await Promise.race([use({ redisPort, redisPid: () => redis.pid ?? 0, a, b }), failed.promise, late()])
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function late(): Promise<never> {
  await setTimeout(4 * GIVE_UP_MS, undefined, { ref: false })
  throw new Error('It takes too long')
}

/** A path with a token of this user. */
function pathOf(sub: string): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const head = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub, name: sub, exp: Math.ceil(Date.now() / 1_000) + 3_600 })}`
  return `/ws/bench?token=${head}.${createHmac('sha256', SECRET).update(head).digest('base64url')}`
}

/** A user who may join rooms, and counts the acknowledgements. */
class Joiner {
  joined = 0
  private readonly client: BareClient
  private onJoined: () => void = () => undefined

  private constructor(client: BareClient) {
    this.client = client
  }

  static async open(port: number, sub: string): Promise<Joiner> {
    let joiner: Joiner | undefined
    const client = await BareClient.open(port, pathOf(sub), '"type":"ack"', (found) => {
      if (joiner === undefined || found === 0) return
      joiner.joined += found
      joiner.onJoined()
    })
    joiner = new Joiner(client)
    return joiner
  }

  async join(roomIds: readonly string[]): Promise<void> {
    const wanted = this.joined + roomIds.length
    for (const roomId of roomIds) this.client.send({ type: 'room:join', roomId, id: roomId })
    while (this.joined < wanted) {
      await new Promise<void>((resolve) => {
        this.onJoined = resolve
      })
    }
  }

  cut(): void {
    this.client.cut()
  }
}

interface Frame {
  readonly type: string
  readonly [field: string]: unknown
}

/** A member who reads everything. */
async function watch(port: number, sub: string, roomIds: readonly string[], onFrame: (frame: Frame) => void) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${pathOf(sub)}`, { perMessageDeflate: false })
  const asked = new Map<number, PromiseWithResolvers<Frame>>()
  const authenticated = Promise.withResolvers<void>()
  let ids = 0
  let isLost = false
  socket.on('message', (data) => {
    const frame = JSON.parse(String(data)) as Frame
    if (frame.type === 'auth_ok') authenticated.resolve()
    if (frame.type === 'ack') asked.get(frame.ack as number)?.resolve(frame)
    else onFrame(frame)
  })
  socket.on('close', () => {
    isLost = true
  })
  socket.once('error', authenticated.reject)
  await authenticated.promise
  const ask = (type: string, data: object): Promise<Frame> => {
    const answer = Promise.withResolvers<Frame>()
    asked.set(++ids, answer)
    socket.send(JSON.stringify({ type, ...data, id: ids }))
    return answer.promise
  }
  for (const roomId of roomIds) await ask('room:join', { roomId })
  return { ask, isLost: () => isLost, close: () => socket.terminate() }
}

function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / CLK_TCK
}

/** How often Redis ran each command. */
async function callsOf(port: number): Promise<ReadonlyMap<string, number>> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.write('INFO commandstats\r\nQUIT\r\n')
  for await (const chunk of socket) text += String(chunk)
  return new Map(
    Array.from(text.matchAll(/cmdstat_(\S+):calls=(\d+)/g), ([, name = '', calls]) => [name, Number(calls)]),
  )
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write('PING\r\n')
    for await (const chunk of socket) return String(chunk).startsWith('+PONG')
    return false
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function until(isSo: () => boolean | Promise<boolean>, what: string, everyMs = 5): Promise<number> {
  const end = performance.now() + GIVE_UP_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what} within ${GIVE_UP_MS / 1_000} s`)
    await setTimeout(everyMs)
  }
  return performance.now()
}

const numbered = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`)
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`

function verdict(target: string, isMet: boolean, text: string): string {
  return `${target}: ${text}: ${isMet ? 'met' : 'missed'}`
}

/** N7: 2,000 users with five rooms each, ten users in a room, on both nodes; a watcher in each room on each node. */
export function measureJoins(): Promise<string> {
  return withNodes('everysec', async ({ a, b, redisPid, redisPort }) => {
    const [users, roomsEach, rooms] = [2_000, 5, 1_000]
    const roomIds = numbered('r', rooms)
    const joins = users * roomsEach
    let seen = 0
    for (const [i, node] of [a, b].entries()) {
      for (let at = 0; at < rooms; at += 10) {
        await watch(node.port, `watcher${i}-${at}`, roomIds.slice(at, at + 10), ({ type, userId }) => {
          if (type === 'user:joined' && String(userId).startsWith('user')) seen++
        })
      }
    }
    const joiners = await inTurns(numbered('user', users), (sub, i) => Joiner.open((i % 2 === 0 ? a : b).port, sub))
    await setTimeout(1_500) // for who is online
    const before = cpuUs(redisPid())
    const startedAt = performance.now()
    await Promise.all(
      joiners.map((joiner, i) => joiner.join(numbered('', roomsEach).map((_, j) => `r${(i * roomsEach + j) % rooms}`))),
    )
    const joinedMs = performance.now() - startedAt
    const toldMs = (await until(() => seen >= 2 * joins, 'Not everyone was notified')) - startedAt
    const redisUs = (cpuUs(redisPid()) - before) / joins
    const calls = await callsOf(redisPort)
    await setTimeout(6_000)
    const later = await callsOf(redisPort)
    const idle = ((later.get('fcall') ?? 0) - (calls.get('fcall') ?? 0)) / 6
    for (const joiner of joiners) joiner.cut()
    return [
      verdict('N7', toldMs <= 2_000, `${whole(joins)} joins: joined in ${seconds(joinedMs)}, both nodes' watchers notified in ${seconds(toldMs)} (at most 2 s)`),
      verdict('N7', redisUs <= 10, `Redis ${redisUs.toFixed(1)} µs a join (at most 10)`),
      verdict('N7', idle < 20, `${idle.toFixed(1)} calls of Redis a second while ${whole(joins)} seats are taken`),
    ].join('\n') // biome-ignore format: a line each
  })
}

/** Opens a hundred at a time: more would wait in the queue of the listening socket. */
async function inTurns<In, Out>(items: readonly In[], open: (item: In, index: number) => Promise<Out>): Promise<Out[]> {
  const opened: Out[] = []
  for (let at = 0; at < items.length; at += 100) {
    opened.push(...(await Promise.all(items.slice(at, at + 100).map((item, i) => open(item, at + i)))))
  }
  return opened
}

/** N8: 5,000 users on the node that is killed, 50 in a room; 95 % come back to the other one, where each room has a watcher. */
export function measureNodeDeath(): Promise<string> {
  return withNodes('everysec', async ({ a, b }) => {
    const [clients, rooms] = [5_000, 100]
    const users = numbered('user', clients)
    const roomOf = (i: number): string => `r${i % rooms}`
    const staysAway = (i: number): boolean => i % 20 === 0
    const gone = new Map<string, number>()
    for (const roomId of numbered('r', rooms)) {
      await watch(b.port, `watcher-${roomId}`, [roomId], ({ type, userId }) => {
        if (type === 'user:left') gone.set(String(userId), performance.now())
      })
    }
    await inTurns(users, async (sub, i) => {
      const joiner = await Joiner.open(a.port, sub)
      await joiner.join([roomOf(i)])
    })
    await setTimeout(1_000)
    const killedAt = performance.now()
    process.kill(a.pid, 'SIGKILL')
    const backAt: number[] = []
    const returning = users.flatMap((sub, i) => (staysAway(i) ? [] : [{ sub, roomId: roomOf(i) }]))
    await Promise.all(
      returning.map(async ({ sub, roomId }) => {
        await setTimeout(Math.random() * 1_000)
        const joiner = await Joiner.open(b.port, sub)
        await joiner.join([roomId])
        backAt.push(performance.now() - killedAt)
      }),
    )
    const ghosts = users.filter((_, i) => staysAway(i))
    await until(() => ghosts.every((sub) => gone.has(sub)), 'Not all who stayed away were said to be gone')
    await setTimeout(1_000)
    const ghostMs = Math.max(...ghosts.map((sub) => gone.get(sub) ?? 0)) - killedAt
    const wrong = returning.filter(({ sub }) => gone.has(sub)).length
    const most = backAt.toSorted((x, y) => x - y)[Math.ceil(returning.length * 0.95) - 1] ?? Number.NaN
    return [
      verdict('N8', ghostMs <= 11_000, `the last of ${ghosts.length} who stayed away was gone after ${seconds(ghostMs)} (at most 11 s)`),
      verdict('N8', most <= 5_000, `95 % of ${whole(returning.length)} were back after ${seconds(most)} (at most 5 s)`),
      verdict('N8', wrong === 0, `${wrong} who came back were said to be gone (none)`),
    ].join('\n') // biome-ignore format: a line each
  })
}

/** N9: Redis is killed under a load of acknowledged messages, and started again by its supervisor. */
export function measureRedisDeath(): Promise<string> {
  return withNodes('always', async ({ a, b, redisPid, redisPort }) => {
    const roomIds = numbered('r', 4)
    const acked = new Set<string>()
    let isOver = false
    let writingAt = 0
    let killedAt = 0
    const writers = await Promise.all(
      roomIds.map((roomId, i) => watch((i % 2 ? a : b).port, `writer${i}`, [roomId], () => undefined)),
    )
    const others = await Promise.all(
      numbered('member', 100).map((sub, i) =>
        watch((i % 2 ? a : b).port, sub, [roomIds[i % 4] ?? ''], () => undefined),
      ),
    )
    const writing = writers.map(async ({ ask }, who) => {
      for (let i = 0; !isOver; i++) {
        const content = `${who}-${i}`
        // As the SDK does: the same message under the same key until it is acknowledged.
        for (let answer: Frame | undefined; !isOver && answer === undefined; ) {
          const sentAt = performance.now()
          const reply = await ask('message:send', { roomId: roomIds[who], content, key: content })
          if (reply.error === undefined) {
            answer = reply
            acked.add(content)
            if (killedAt > 0 && sentAt > killedAt && writingAt === 0) writingAt = performance.now()
          } else await setTimeout(50)
        }
        await setTimeout(5)
      }
    })
    await setTimeout(1_500)
    const killed = redisPid()
    process.kill(killed, 'SIGKILL')
    killedAt = performance.now()
    const answersAt = await until(() => redisPid() !== killed && answers(redisPort), 'Redis did not come back', 2)
    await until(() => writingAt > 0, 'Nothing could be stored again')
    await setTimeout(1_000)
    isOver = true
    await Promise.all(writing)
    const stored = new Map<string, number>()
    for (const [i, roomId] of roomIds.entries()) {
      for (let after = 0, more = true; more; ) {
        const page = (await writers[i]?.ask('history:get', { roomId, after, limit: 100 }))?.data as {
          events: { seq: number; content: string }[]
          more: boolean
        }
        for (const { content, seq } of page.events) {
          stored.set(content, (stored.get(content) ?? 0) + 1)
          after = seq
        }
        more = page.more && page.events.length > 0
      }
    }
    const lost = [...acked].filter((content) => !stored.has(content)).length
    const twice = [...stored.values()].filter((count) => count > 1).length
    const closed = [...writers, ...others].filter((client) => client.isLost()).length
    const againMs = Math.max(0, writingAt - answersAt)
    return [
      verdict('N9', againMs <= 2_000, `stored again ${seconds(againMs)} after Redis answered (at most 2 s), ${seconds(writingAt - killedAt)} after it was killed`),
      verdict('N9', lost + twice === 0, `of ${whole(acked.size)} acknowledged messages ${lost} lost, ${twice} stored twice (none)`),
      verdict('N9', closed === 0, `${closed} of ${writers.length + others.length} links closed (none)`),
    ].join('\n') // biome-ignore format: a line each
  })
}

/** N10: 5,000 clients, 50 in a room, each with 50 events missed, come back at once to a node that has none of them in memory. */
export function measureReturnAfterDeath(): Promise<string> {
  return withNodes('everysec', async ({ a, b, redisPort }) => {
    const [clients, rooms, missed] = [5_000, 100, 50]
    const roomOf = (i: number): string => `r${i % rooms}`
    const positions = await inTurns(numbered('user', clients), async (_, i) => {
      const answer = Promise.withResolvers<{ epoch: string; seq: number }>()
      let text = ''
      const client = await BareClient.open(a.port, '/ws/bench', '"type":"ack"', (_found, chunk) => {
        text = (text + String(chunk)).slice(-10_000)
        const [, epoch, seq] = /"type":"ack".*?"epoch":"([^"]+)","seq":(\d+)/.exec(text) ?? []
        if (epoch !== undefined) answer.resolve({ epoch, seq: Number(seq) })
      })
      client.send({ type: 'room:join', roomId: roomOf(i), id: 1 })
      return answer.promise
    })
    process.kill(a.pid, 'SIGKILL')
    const writer = await watch(b.port, 'writer', [], () => undefined)
    for (let i = 0; i < missed; i++) {
      await Promise.all(numbered('r', rooms).map((roomId) => writer.ask('pub', { roomId, data: { text: 'x'.repeat(100) } })))
    } // biome-ignore format: a line each
    const before = await callsOf(redisPort)
    const startedAt = performance.now()
    let came = 0
    const back = await Promise.all(
      positions.map(async (after, i) => {
        const client = await BareClient.open(b.port, '/ws/bench', '"type":"published"', (found) => {
          came += found
        })
        client.send({ type: 'room:join', roomId: roomOf(i), after, id: 1 })
        return client
      }),
    )
    const tookMs = (await until(() => came >= clients * missed, 'Not everything that was missed came')) - startedAt
    const reads = ((await callsOf(redisPort)).get('lrange') ?? 0) - (before.get('lrange') ?? 0)
    for (const client of back) client.cut()
    return [
      verdict('N10', tookMs <= 4_000, `${whole(clients)} clients had their ${missed} missed events each after ${seconds(tookMs)} (at most 4 s)`),
      verdict('N10', reads <= clients / 5, `${whole(reads)} ranges were read from Redis (shared: at most ${whole(clients / 5)})`),
    ].join('\n') // biome-ignore format: a line each
  })
}
