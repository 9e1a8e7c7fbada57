/**
 * Redis as several nodes see it: the real scripts on simulated keys, one command after another. It answers what is on disk
 * (`appendfsync always`), so a restart alone loses only what has had no answer. `loses` takes more, as `everysec` does, and
 * a copy that is promoted too early.
 */
import { parseRow } from '@roomful/server/testing'
import type { VirtualClock } from '../../clock.ts'
import { contentOf } from '../../history/fact.ts'
import type { LoggedEvent } from '../../history/sent.ts'
import { StoredRooms } from '../stored-rooms.ts'
import { Keyspace } from './keyspace.ts'
import { fromBytes, toBytes } from './lua/bytes.ts'
import { type Environment, environment, toReply } from './lua/library.ts'
import { scriptOf } from './lua/script.ts'
import { LuaTable } from './lua/table.ts'

/** An answer of Redis that says no. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError'
}

/** A connection as Redis has it. */
export interface Subscriber {
  /** Redis knows that it is gone. */
  readonly isGone: boolean
  push(channel: string, message: string): void
  /** Redis was killed, or is another one now. */
  lose(): void
}

export interface SimulatedRedisOptions {
  readonly clock: VirtualClock
  /** How long a write takes until it is on disk, drawn again for each command. */
  readonly syncMs: () => number
  readonly onProblem: (problem: string) => void
  /** A message was published, in this moment: when it arrives is another matter. */
  readonly onPublish?: (channel: string, message: string) => void
}

/** Commands that were executed at one moment, as the append-only file has them. */
interface Effect {
  readonly atMs: number
  readonly commands: readonly (readonly string[])[]
}

type Push = readonly [subscriber: Subscriber, channel: string, message: string]

/** Commands that need memory, outside of functions that say that they do not. */
const NEED_MEMORY: ReadonlySet<string> = new Set(['HSET', 'RPUSH', 'SADD', 'SET', 'ZADD'])
const FULL = "OOM command not allowed when used memory > 'maxmemory'."
const SETTINGS = [
  'maxmemory-policy',
  'noeviction',
  'appendonly',
  'yes',
  'appendfsync',
  'always',
  'min-replicas-to-write',
  '0',
]
const ROWS = /^\{(.*)\}:l:/s

export class SimulatedRedis {
  /** Everything that was ever appended and not lost again. */
  stored = new StoredRooms()
  /** Until then it executes nothing. */
  stalledUntilMs = 0
  /** Until then it takes nothing that needs memory. */
  fullUntilMs = 0
  private readonly options: SimulatedRedisOptions
  private readonly connections = new Set<Subscriber>()
  private readonly channels = new Map<string, Set<Subscriber>>()
  private readonly scripts: Environment
  private libraries = new Set<string>()
  private keyspace: Keyspace
  private effects: Effect[] = []
  private isDown = false
  private starts = 0
  /** Set while what is on disk is read again. */
  private readAtMs: number | undefined
  private mayUseMemory = true
  private writes: (readonly string[])[] = []
  private pushes: Push[] = []
  private executesAtMs = 0
  private syncsAtMs = 0
  /** What has no answer yet is lost when Redis is killed. */
  private unanswered = 0

  constructor(options: SimulatedRedisOptions) {
    this.options = options
    this.keyspace = this.makeKeyspace()
    this.scripts = environment((command) => this.inScript(command))
  }

  get isUp(): boolean {
    return !this.isDown
  }

  connect(connection: Subscriber): void {
    this.connections.add(connection)
  }

  disconnect(connection: Subscriber): void {
    this.connections.delete(connection)
    for (const subscribers of this.channels.values()) subscribers.delete(connection)
  }

  /** Executes a command when it is its turn. @param answer gets the reply, or an error, once what was written is on disk */
  execute(from: Subscriber, command: readonly (string | Uint8Array)[], answer: (reply: unknown) => void): void {
    const { clock } = this.options
    this.inTurn(() => {
      if (from.isGone) return
      this.writes = []
      this.pushes = []
      let reply: unknown
      try {
        reply = this.run(from, command)
      } catch (error) {
        reply = error instanceof Error && !(error instanceof ReplyError) ? asReply(error) : error
      }
      const { writes, pushes } = this
      if (writes.length > 0) {
        this.effects.push({ atMs: this.nowMs(), commands: writes })
        this.unanswered++
        this.syncsAtMs = Math.max(this.syncsAtMs, clock.monotonic() + this.options.syncMs())
      }
      this.afterSync(() => {
        if (writes.length > 0) this.unanswered--
        for (const [subscriber, channel, message] of pushes) subscriber.push(channel, message)
        answer(reply)
      })
    })
  }

  /**
   * It is killed, and comes back with what was on disk.
   * @param loses so many of the latest writes that were answered
   */
  restart(downMs: number, loses: number): void {
    const start = ++this.starts
    this.isDown = true
    for (const connection of [...this.connections]) connection.lose()
    this.connections.clear()
    this.channels.clear()
    this.readAgain(Math.max(0, this.effects.length - this.unanswered - loses))
    this.options.clock.after(downMs, () => {
      if (start === this.starts) this.isDown = false
    })
  }

  /** A copy takes its place, which lacks the latest writes. */
  promote(lacks: number): void {
    this.restart(0, lacks)
  }

  /** What a function of the scripts answers, at once and beside all connections. */
  ask(namespace: string, name: string, args: readonly string[]): unknown[] {
    const script = [...this.scripts.functions].find(([each]) => each.endsWith(`_${name}`))?.[1]
    if (!script) return []
    const keys = new LuaTable([toBytes(`{roomful:${namespace}}:ns`)])
    return toReply(script.run(keys, new LuaTable(args.map(toBytes)))) as unknown[]
  }

  /** Keys that stay, with everything that is in them as text. */
  *contents(): Generator<readonly [key: string, text: string]> {
    this.keyspace.sweep()
    for (const [key, value] of this.keyspace.keys) {
      if (this.keyspace.expiries.has(key)) continue
      yield [fromBytes(key), fromBytes(textOf(value))]
    }
  }

  private inTurn(run: () => void): void {
    const { clock } = this.options
    this.executesAtMs = Math.max(this.executesAtMs, this.stalledUntilMs, clock.monotonic())
    this.later(this.executesAtMs, run)
  }

  private afterSync(run: () => void): void {
    this.later(Math.max(this.syncsAtMs, this.options.clock.monotonic()), run)
  }

  /** Unless Redis is killed before. */
  private later(atMs: number, run: () => void): void {
    const { clock } = this.options
    const start = this.starts
    clock.after(atMs - clock.monotonic(), () => {
      if (start === this.starts) run()
    })
  }

  private run(from: Subscriber, given: readonly (string | Uint8Array)[]): unknown {
    const [name = '', ...args] = given.map(toBytes)
    switch (name) {
      case 'PING':
        return 'PONG'
      case 'INFO':
        return args[0] === 'server'
          ? `redis_version:7.4.0\r\nrun_id:${this.starts}\r\n`
          : `role:master\r\nconnected_slaves:0\r\nmaster_replid:${this.starts}\r\n`
      case 'CONFIG':
        return SETTINGS
      case 'SSUBSCRIBE':
        return this.subscribe(from, args[0] as string)
      case 'FUNCTION':
        return this.load(args[1] as string)
      case 'FCALL':
        return this.call(args)
      case 'EVAL':
        return this.evaluate(args)
      default:
        this.mayUseMemory = !this.isFull
        return textual(this.inScript([name, ...args]))
    }
  }

  private subscribe(from: Subscriber, channel: string): string {
    const subscribers = this.channels.get(channel) ?? new Set()
    this.channels.set(channel, subscribers.add(from))
    return 'OK'
  }

  private load(source: string): string {
    const name = /^#!lua name=(\S+)/.exec(source)?.[1] ?? ''
    if (this.libraries.has(name)) throw new ReplyError(`ERR Library '${name}' already exists`)
    scriptOf(source)(this.scripts)
    this.libraries.add(name)
    return name
  }

  private call([name = '', count = '0', ...given]: string[]): unknown {
    const script = this.scripts.functions.get(name)
    if (!script) throw new ReplyError('ERR Function not found')
    const { flags, run } = script
    const isSparing = flags.has('allow-oom') || flags.has('no-writes')
    if (this.isFull && !isSparing) throw new ReplyError(FULL)
    this.mayUseMemory = true
    const keys = Number(count)
    const [reaped = '', , how] = given.slice(keys)
    const isAlive = name.endsWith('_reap') && how !== 'leave' && this.hasLease(given[0] as string, reaped)
    const before = this.writes.length
    const reply = toReply(run(new LuaTable(given.slice(0, keys)), new LuaTable(given.slice(keys))))
    if (isAlive && this.writes.length > before)
      this.options.onProblem(`node ${reaped} has a lease, and is cleared up after`)
    return reply
  }

  private hasLease(key: string, node: string): boolean {
    return Number(this.keyspace.run(['ZSCORE', key.replace(/ns$/, 'nodes'), node])) > this.nowMs()
  }

  private evaluate([source = '', count = '0', ...given]: string[]): unknown {
    const keys = Number(count)
    this.scripts.KEYS = new LuaTable(given.slice(0, keys))
    this.scripts.ARGV = new LuaTable(given.slice(keys))
    this.mayUseMemory = !this.isFull
    return toReply(scriptOf(source)(this.scripts))
  }

  private inScript(command: readonly string[]): unknown {
    if (!this.mayUseMemory && NEED_MEMORY.has(command[0] ?? '')) throw new ReplyError(FULL)
    return this.keyspace.run(command)
  }

  private get isFull(): boolean {
    return this.fullUntilMs > this.options.clock.monotonic()
  }

  private nowMs(): number {
    return this.readAtMs ?? Math.floor(this.options.clock.now())
  }

  private makeKeyspace(): Keyspace {
    return new Keyspace({
      now: () => this.nowMs(),
      publish: (channel, message) => this.publish(channel, fromBytes(message)),
      onWrite: (command) => {
        if (this.readAtMs === undefined) this.writes.push(command)
        if (command[0] === 'RPUSH') this.note(command)
      },
    })
  }

  private publish(channel: string, message: string): number {
    const subscribers = [...(this.channels.get(channel) ?? [])].filter(({ isGone }) => !isGone)
    for (const subscriber of subscribers) this.pushes.push([subscriber, channel, message])
    this.options.onPublish?.(channel, message)
    return subscribers.length
  }

  /** The first writes alone, applied once more. */
  private readAgain(effects: number): void {
    this.effects = this.effects.slice(0, effects)
    this.unanswered = 0
    this.syncsAtMs = 0
    this.stored = new StoredRooms()
    this.keyspace = this.makeKeyspace()
    for (const { atMs, commands } of this.effects) {
      this.readAtMs = atMs
      for (const command of commands) this.keyspace.run(command)
    }
    this.readAtMs = undefined
  }

  /** Rows of a room were stored. */
  private note([, key = '', ...rows]: readonly string[]): void {
    const prefix = ROWS.exec(key)
    if (!prefix) return
    const namespace = (prefix[1] as string).replace(/^roomful:/, '')
    const roomId = fromBytes(key.slice(prefix[0].length))
    for (const text of rows) {
      const { row } = parseRow(roomId, fromBytes(text))
      const [data] = JSON.parse(row.argsJson) as unknown[]
      const event: LoggedEvent = { seq: row.seq, key: row.key, content: contentOf(data) }
      this.stored.events(namespace, roomId).push(event)
    }
  }
}

function textual(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(textual)
  return typeof reply === 'string' ? fromBytes(reply) : reply
}

/** What a script throws of its own is an error of Redis too; a fault of the simulator is not. */
function asReply(error: Error): Error {
  if (/^(WRONGTYPE|OOM|ERR) /.test(error.message)) return new ReplyError(error.message)
  return new ReplyError(`ERR ${error.message}`, { cause: error })
}

function textOf(value: ReturnType<Keyspace['keys']['get']>): string {
  switch (value?.type) {
    case 'hash':
      return [...value.fields].flat().join('\n')
    case 'list':
      return value.items.join('\n')
    case 'set':
      return [...value.members].join('\n')
    case 'zset':
      return [...value.scores.keys()].join('\n')
    default:
      return value?.text ?? ''
  }
}
