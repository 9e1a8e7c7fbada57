/** Several nodes on one Redis with nginx in front, all on this machine: what deploy/compose.yaml is, without containers. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { renderSite, startNginx } from './nginx.ts'
import { freePort, isOpen } from './ports.ts'
import { find, PROGRAMS } from './programs.ts'
import { type RedisOptions, startRedis } from './redis.ts'
import { Service } from './service.ts'

export interface ClusterOptions {
  readonly nodes: number
  /** Where nginx listens, on this machine only. */
  readonly port: number
  /** Everything that is kept is in it. */
  readonly folder: string
  readonly appendfsync: RedisOptions['appendfsync']
  /** What Node runs as a node: flags and a script. Settings come in its environment. */
  readonly program: readonly string[]
  readonly say: (sentence: string) => void
  /** A part of it ended too often. */
  readonly onGivenUp: () => void
}

export class Cluster {
  readonly url: string
  /** Where each node listens, on this machine only. */
  readonly nodePorts: readonly number[]
  readonly redis: Service
  readonly nodes: readonly Service[]
  readonly nginx: Service
  private readonly options: ClusterOptions
  private isRestarting = false

  private constructor(options: ClusterOptions, redisPort: number, nodePorts: readonly number[]) {
    const { port, folder, say, onGivenUp, appendfsync } = options
    this.options = options
    this.nodePorts = nodePorts
    this.url = `http://localhost:${port}`
    const [redisFolder, nginxFolder] = [join(folder, 'redis'), join(folder, 'nginx')]
    for (const each of [redisFolder, nginxFolder]) mkdirSync(each, { recursive: true })
    this.redis = new Service({
      name: 'Redis',
      start: (signal) => startRedis({ port: redisPort, folder: redisFolder, appendfsync, signal }),
      ...{ say, onGivenUp },
    })
    const secret = readSecret(folder)
    this.nodes = nodePorts.map((nodePort, i) => {
      const name = `Node ${i + 1}`
      const settings = {
        PORT: String(nodePort),
        HOST: '127.0.0.1',
        REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        ROOMFUL_DATA: join(folder, `node-${i + 1}`),
        COMMONS_DATA: folder,
        JWT_SECRET: secret,
        TRUST_PROXY: '127.0.0.1',
        LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
      }
      return new Service({
        name,
        start: (signal) => startNode({ name, port: nodePort, settings, signal }, options),
        ...{ say, onGivenUp },
      })
    })
    const upstreams = nodePorts.map((each) => `127.0.0.1:${each}`)
    const site = renderSite({ upstreams, listen: `127.0.0.1:${port}` })
    this.nginx = new Service({
      name: 'nginx',
      start: (signal) => startNginx({ folder: nginxFolder, site, port, signal }),
      ...{ say, onGivenUp },
    })
  }

  /** @throws MissingProgram; Error when the port is in use (both reject) */
  static async prepare(options: ClusterOptions): Promise<Cluster> {
    for (const program of [PROGRAMS.redis, PROGRAMS.nginx]) find(program)
    if (await isOpen(options.port)) {
      throw new Error(`Port ${options.port} is in use. Stop what uses it, or choose another one with --port.`)
    }
    const ports: number[] = []
    for (let i = 0; i <= options.nodes; i++) ports.push(await freePort())
    const [redisPort = 0, ...nodePorts] = ports
    return new Cluster(options, redisPort, nodePorts)
  }

  /** Resolves once nginx answers from nodes that are ready. @throws Error when a part does not start (rejects) */
  async start(): Promise<void> {
    await this.redis.start()
    await Promise.all(this.nodes.map((node) => node.start()))
    await this.nginx.start()
  }

  /** One node after another, each when the one before is ready again. */
  async restartNodes(): Promise<void> {
    const { say } = this.options
    if (this.isRestarting) return say('The nodes are being restarted already.')
    this.isRestarting = true
    try {
      for (const [i, node] of this.nodes.entries()) {
        await node.restart()
        say(`Node ${i + 1} of ${this.nodes.length} has restarted.`)
      }
    } finally {
      this.isRestarting = false
    }
  }

  /** The nodes send their clients away first; what they store on the way goes to Redis, which ends last. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.nodes.map((node) => node.stop()))
    await this.nginx.stop()
    await this.redis.stop()
  }

  /** All at once, without a word. */
  kill(): void {
    for (const service of [...this.nodes, this.nginx, this.redis]) service.kill()
  }
}

interface NodeStart {
  readonly name: string
  readonly port: number
  /** In the environment. */
  readonly settings: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}

function startNode({ name, port, settings, signal }: NodeStart, { program, say }: ClusterOptions): Promise<Child> {
  let lastSeen = 'nothing listens on its port'
  return Child.start({
    name,
    program: process.execPath,
    args: program,
    env: settings,
    detached: true,
    onOutput: (text) => {
      for (const line of text.trimEnd().split('\n')) say(`${name.toLowerCase()} | ${line}`)
    },
    isReady: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined)
      if (response) lastSeen = `/ready answers ${response.status}`
      return response?.ok === true
    },
    lastSeen: () => lastSeen,
    signal,
  })
}

/** All nodes sign with the same one: what one node gave out, the others accept. */
function readSecret(folder: string): string {
  const { JWT_SECRET } = process.env
  if (JWT_SECRET) return JWT_SECRET
  const file = join(folder, 'jwt-secret')
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8').trim()
}
