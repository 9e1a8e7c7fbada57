/**
 * Several nodes behind nginx, on one Redis with an append-only file. Each node reaches Redis through a proxy of its own, so
 * that its link can be cut, and so that another Redis can take the place of the first.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { Child } from '../../../scripts/lib/cluster/child.ts'
import { renderSite, startNginx } from '../../../scripts/lib/cluster/nginx.ts'
import { freePort } from '../../../scripts/lib/cluster/ports.ts'
import { type RedisServer, startRedis } from '../../../scripts/lib/cluster/redis.ts'
import { root } from '../../../scripts/lib/command.ts'
import { UNLIMITED } from '../../outside/lib/server.ts'
import { SECRET } from '../../outside/lib/token.ts'
import { FaultProxy } from '../fault-proxy.ts'

const SERVER = ['--conditions=source', join(root, 'packages/server/src/cli.ts'), 'serve']
const ENV = {
  ...UNLIMITED,
  ROOMFUL_PING_INTERVAL_MS: '1000',
  ROOMFUL_PONG_TIMEOUT_MS: '1000',
  ROOMFUL_SOCKETIO_PING_INTERVAL_MS: '1000',
  ROOMFUL_SOCKETIO_PING_TIMEOUT_MS: '2000',
  ROOMFUL_DRAIN_MS: '500',
  ROOMFUL_CONNECTS_PER_MINUTE: '0',
  ROOMFUL_MAX_CONNECTIONS_PER_IP: '0',
  // Who comes back late has missed much; here that must not be a reason for a gap.
  ROOMFUL_REPLAY_MAX: '100000',
  ROOMFUL_RETENTION: '1000000',
  LOG_LEVEL: 'error',
}
const MARK_MS = 10_000

interface Redis {
  readonly port: number
  readonly folder: string
  server: RedisServer
}

/** What each node runs, if not the server alone. */
export interface NodeProgram {
  /** Of Node: flags and a file. */
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

interface NodeOptions extends NodeProgram {
  readonly proxy: FaultProxy
  readonly folder: string
  onOutput(line: string): void
}

export class ChaosNode {
  readonly name: string
  readonly port: number
  readonly proxy: FaultProxy
  private readonly given: NodeOptions
  private child: Child | undefined

  constructor(name: string, port: number, given: NodeOptions) {
    this.name = name
    this.port = port
    this.proxy = given.proxy
    this.given = given
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Resolves once it is ready. */
  async start(): Promise<void> {
    const { folder, onOutput, args = SERVER, env } = this.given
    const settings = {
      ...ENV,
      ...env,
      PORT: String(this.port),
      HOST: '127.0.0.1',
      REDIS_URL: `redis://127.0.0.1:${this.proxy.port}`,
      ROOMFUL_DATA: folder,
      JWT_SECRET: SECRET,
      TRUST_PROXY: '127.0.0.1',
    }
    this.child = await Child.start({
      name: this.name,
      program: process.execPath,
      args,
      env: settings,
      detached: true,
      onOutput: (text) => {
        for (const line of text.trimEnd().split('\n')) onOutput(`${this.name} | ${line}`)
      },
      isReady: async () => (await fetch(`${this.url}/ready`).catch(() => undefined))?.ok === true,
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.signal(signal)
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    await this.child?.stop(signal)
  }
}

export class ChaosCluster {
  readonly nodes: readonly ChaosNode[]
  readonly url: string
  readonly folder: string
  private readonly nginx: Child
  private redis: Redis
  private replicas = 0

  private constructor(given: { nodes: readonly ChaosNode[]; url: string; folder: string; nginx: Child; redis: Redis }) {
    this.nodes = given.nodes
    this.url = given.url
    this.folder = given.folder
    this.nginx = given.nginx
    this.redis = given.redis
  }

  /** @param onOutput what nodes write, a line each */
  static async start(
    count: number,
    onOutput: (line: string) => void,
    program: NodeProgram = {},
  ): Promise<ChaosCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'roomful-chaos-'))
    const redis = await openRedis(folder, 'redis')
    const nodes: ChaosNode[] = []
    for (let i = 1; i <= count; i++) {
      const proxy = await FaultProxy.open(redis.port)
      const given = { ...program, proxy, folder: join(folder, `node-${i}`), onOutput }
      nodes.push(new ChaosNode(`node-${i}`, await freePort(), given))
    }
    await Promise.all(nodes.map((node) => node.start()))
    const port = await freePort()
    const nginxFolder = join(folder, 'nginx')
    mkdirSync(nginxFolder)
    const upstreams = nodes.map((node) => `127.0.0.1:${node.port}`)
    const site = renderSite({ upstreams, listen: `127.0.0.1:${port}` })
    const nginx = await startNginx({ folder: nginxFolder, site, port })
    const cluster = new ChaosCluster({ nodes, url: `http://127.0.0.1:${port}`, folder, nginx, redis })
    process.once('exit', cluster.killNow)
    return cluster
  }

  /** One command to Redis itself, on a connection of its own. */
  async command(...args: string[]): Promise<unknown> {
    return command(this.redis.server.url, args)
  }

  async killRedis(): Promise<void> {
    await this.redis.server.stop('SIGKILL')
  }

  /** Begins again on the same file. */
  async startRedis(): Promise<void> {
    const { folder, port } = this.redis
    this.redis.server = await startRedis({ port, folder, appendfsync: 'always', settings: SETTINGS })
  }

  /** A replica that has everything, through a proxy that can keep it behind. */
  async addReplica(): Promise<{ proxy: FaultProxy; replica: Redis }> {
    const proxy = await FaultProxy.open(this.redis.port)
    const replica = await openRedis(this.folder, `replica-${++this.replicas}`)
    await command(replica.server.url, ['REPLICAOF', '127.0.0.1', String(proxy.port)])
    const deadline = performance.now() + MARK_MS
    const isUp = async () =>
      /master_link_status:up/.test(String(await command(replica.server.url, ['INFO', 'replication'])))
    while (!(await isUp())) {
      if (performance.now() > deadline) throw new Error('The replica did not come up')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return { proxy, replica }
  }

  /** The replica is the primary from now on, and the former one is gone. */
  async promote(replica: Redis): Promise<void> {
    await command(replica.server.url, ['REPLICAOF', 'NO', 'ONE'])
    await this.killRedis()
    this.redis = replica
    for (const { proxy } of this.nodes) proxy.mend(replica.port)
  }

  /** The latest number of a room in Redis. */
  async headOf(room: string, { server }: Redis = this.redis): Promise<number> {
    const packed = await command(server.url, ['EVAL', HEAD, '0', room])
    return Number(packed)
  }

  /** Nothing of it outlives this process. */
  private readonly killNow = (): void => {
    for (const node of this.nodes) node.signal('SIGKILL')
    this.nginx.signal('SIGKILL')
    process.kill(this.redis.server.pid, 'SIGKILL')
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.killNow)
    for (const node of this.nodes) node.signal('SIGCONT')
    await Promise.allSettled(this.nodes.map((node) => node.end('SIGKILL')))
    await this.nginx.stop()
    await this.redis.server.stop('SIGKILL')
    await Promise.all(this.nodes.map(({ proxy }) => proxy.close()))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const SETTINGS = { 'enable-debug-command': 'local', 'repl-diskless-sync-delay': '0' }
/** The first field of a packed room is its latest number. */
const HEAD = `local room = redis.call('HGET', '{roomful:/}:rooms', ARGV[1]) return room and string.format('%.0f', struct.unpack('<d', room)) or '0'`

async function openRedis(parent: string, name: string): Promise<Redis> {
  const folder = join(parent, name)
  mkdirSync(folder)
  const port = await freePort()
  return { port, folder, server: await startRedis({ port, folder, appendfsync: 'always', settings: SETTINGS }) }
}

async function command(url: string, args: readonly string[]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => undefined)
  await client.connect()
  try {
    return await client.sendCommand([...args])
  } finally {
    client.destroy()
  }
}
