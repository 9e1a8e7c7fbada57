/** Whether this Redis may be used, and what a person should know of how it is set. */
import type { RedisClient } from './client.ts'
import { RefusedError } from './connection.ts'

export interface ServerCheckOptions {
  readonly report: (message: string, isRisky: boolean) => void
  readonly now: () => number
  readonly mustSync: boolean
  /** How many replicas must have an event before it is acknowledged. */
  readonly replicas: number
}

const OLDEST = 7
const CLOCK_MS = 1_000
const CHECKED = ['maxmemory-policy', 'appendonly', 'appendfsync', 'min-replicas-to-write']

const OLD = (version: string) =>
  `This Redis is version ${version}; Roomful needs Redis ${OLDEST} or newer, or Valkey. Update it, or point REDIS_URL at another one.`
const EVICTS = (policy: string) =>
  `Redis is set to maxmemory-policy ${policy}, so it may throw away stored events without a word. Set it to noeviction: redis-cli CONFIG SET maxmemory-policy noeviction`
const NOT_SYNCED =
  'ROOMFUL_SYNC=full promises that an acknowledged message survives a power failure, and this Redis does not write each one to disk. Set appendonly yes and appendfsync always in redis.conf, or ROOMFUL_SYNC=normal.'
const NO_AOF =
  'Redis keeps no append-only file: when it is killed, everything since its last snapshot is gone. Set appendonly yes in redis.conf.'
const EVERYSEC =
  'Redis writes to disk once a second: when it is killed, up to 2 s of acknowledged messages can be gone. Set appendfsync always to keep them.'
const NO_REPLICA =
  'Redis has replicas, but acknowledges what none of them has: a failover can lose the latest messages. Set min-replicas-to-write 1.'
const TOO_FEW_REPLICAS = (wanted: number, connected: number) =>
  `ROOMFUL_REDIS_REPLICAS is ${wanted}, and Redis has ${connected} connected: until there are more, messages are stored but not acknowledged. Connect replicas, or lower it.`
const UNKNOWN_SETTINGS =
  'Redis does not let its settings be read (CONFIG GET). Make sure that maxmemory-policy is noeviction, and appendfsync what your messages need.'
const CLOCK = (ms: number) =>
  `The clocks of Redis and of this machine are ${Math.round(ms / 1000)} s apart. Messages carry the time of Redis; keep both clocks in step (NTP).`

/** Looks at each connection, since after a failover it is another server; says each sentence once. */
export class ServerCheck {
  private readonly options: ServerCheckOptions
  private readonly said = new Set<string>()

  constructor(options: ServerCheckOptions) {
    this.options = options
  }

  /**
   * @returns which server this is: as long as it is the same, it has lost nothing that it had; `''` when it does not say
   * @throws (rejects) RefusedError
   */
  async run(client: RedisClient): Promise<string> {
    const info = parseInfo(await client.sendCommand<string>(['INFO', 'server']))
    // Valkey goes on naming the version of Redis that it is like.
    const version = info.get('redis_version') ?? ''
    if (version !== '' && Number.parseInt(version, 10) < OLDEST) throw new RefusedError(OLD(version))
    const settings = await this.settings(client)
    const policy = settings.get('maxmemory-policy')
    if (policy !== undefined && policy !== 'noeviction') throw new RefusedError(EVICTS(policy))
    const isSynced = settings.get('appendonly') === 'yes' && settings.get('appendfsync') === 'always'
    const isKnown = settings.size > 0
    if (!isKnown) this.say(UNKNOWN_SETTINGS)
    else if (this.options.mustSync && !isSynced) throw new RefusedError(NOT_SYNCED)
    else if (settings.get('appendonly') === 'no') this.say(NO_AOF)
    else if (settings.get('appendfsync') !== 'always') this.say(EVERYSEC)
    const replication = parseInfo(await client.sendCommand<string>(['INFO', 'replication']))
    const replicas = Number(replication.get('connected_slaves') ?? 0)
    if (replicas < this.options.replicas) this.say(TOO_FEW_REPLICAS(this.options.replicas, replicas))
    if (isKnown && replicas > 0 && settings.get('min-replicas-to-write') === '0') this.say(NO_REPLICA)
    const askedAt = this.options.now()
    const [seconds = '0', micros = '0'] = await client.sendCommand<string[]>(['TIME'])
    const theirs = Number(seconds) * 1000 + Number(micros) / 1000
    // How long the answer took says nothing of the clocks.
    const apartMs = Math.max(askedAt - theirs, theirs - this.options.now())
    if (apartMs > CLOCK_MS) this.say(CLOCK(apartMs))
    const [process = '', history = ''] = [info.get('run_id'), replication.get('master_replid')]
    return process === '' || history === '' ? '' : `${process} ${history}`
  }

  private async settings(client: RedisClient): Promise<Map<string, string>> {
    const settings = new Map<string, string>()
    try {
      const reply = await client.sendCommand<unknown>(['CONFIG', 'GET', ...CHECKED])
      const entries = Array.isArray(reply) ? pairs(reply) : Object.entries(reply as Record<string, unknown>)
      for (const [name, value] of entries) settings.set(String(name), String(value))
    } catch {
      // Managed services keep it to themselves.
    }
    return settings
  }

  private say(sentence: string): void {
    if (this.said.has(sentence)) return
    this.said.add(sentence)
    this.options.report(sentence, true)
  }
}

function parseInfo(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line.includes(':'))
  return new Map(lines.map((line) => line.trim().split(/:(.*)/s, 2) as [string, string]))
}

function* pairs(list: readonly unknown[]): Generator<[unknown, unknown]> {
  for (let i = 0; i + 1 < list.length; i += 2) yield [list[i], list[i + 1]]
}
