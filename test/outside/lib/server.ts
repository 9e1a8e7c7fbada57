/** Runs the real server as a child process, as a user would, and lets a test await and observe what it does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, pinnedNode, ROOT } from './node.ts'
import { RunningServer } from './running-server.ts'
import { SECRET } from './token.ts'
import { until, within } from './wait.ts'

const MAIN = join(ROOT, 'apps/commons/main.ts')
/** Commons on several nodes behind nginx, which tests take for one server. */
const CLUSTER = join(ROOT, 'scripts/cluster.ts')
/** What Node made of the sources, which the next start need not make again: a third of the work of starting. */
const COMPILED = join(ROOT, 'node_modules/.cache/roomful-servers')
const READY_TIMEOUT_MS = 20_000
/** Of several nodes, which start at once: a little longer than each of them is given. */
const NODES_READY_TIMEOUT_MS = 55_000
const STOP_TIMEOUT_MS = 15_000

export interface ServerOptions {
  env?: Record<string, string>
  /** Keep using this data folder (a restart); otherwise a new one, removed on `dispose`. */
  data?: string
  port?: number
  /** `npm start` (slower, the whole way) or the pinned Node on the entry itself. */
  via?: 'npm' | 'node'
  /** Another entry file than Commons, run by the pinned Node. */
  entry?: string
  /** What follows the entry file. */
  args?: string[]
  /** For Node itself, when not through npm. */
  nodeArgs?: string[]
  /** A command that runs what follows it, e.g. `['sh', '-c', 'ulimit -f 100; exec "$@"', '--']`. */
  wrapper?: string[]
}

/** A heap small enough that collecting garbage is not put off: what is left of growth is real. */
export const SMALL_HEAP = ['--max-old-space-size=96', '--max-semi-space-size=8']

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** With `TEST_NODES` so many nodes stand for the server: see test/nodes/outside.test.ts. */
function mainProgram(port: number, data: string): string[] {
  const { TEST_NODES } = process.env
  return TEST_NODES ? [CLUSTER, '--nodes', TEST_NODES, '--port', String(port), '--data', data] : [MAIN]
}

/** No limits that a test would hit by accident. */
export const UNLIMITED = { ROOMFUL_RATE_PER_SECOND: '0', ROOMFUL_RATE_PER_MINUTE: '0' }

export class Server extends RunningServer {
  readonly data: string
  readonly process: ChildProcess
  readonly exited: Promise<Exit>
  output = ''

  private constructor(port: number, data: string, process: ChildProcess) {
    super(port)
    this.data = data
    this.process = process
    this.exited = new Promise((resolve) => process.once('exit', (code, signal) => resolve({ code, signal })))
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-4_000_000)
      })
    }
  }

  get pid(): number {
    return this.process.pid as number
  }

  /** What it wrote on stdout as JSON lines. */
  get logs(): Record<string, unknown>[] {
    return this.output.split('\n').flatMap((line) => {
      if (!line.startsWith('{')) return []
      try {
        return [JSON.parse(line) as Record<string, unknown>]
      } catch {
        return [] // the line being written right now
      }
    })
  }

  /** Resident memory in bytes, as the operating system counts it. */
  get rssBytes(): number {
    const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    return Number(match?.[1]) * 1024
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
  }

  async stop(): Promise<Exit> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.signal('SIGTERM')
    return await within(this.exited, STOP_TIMEOUT_MS, 'stopping the server')
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return await within(this.exited, STOP_TIMEOUT_MS, 'killing the server')
  }

  /** Ends it whatever its state and removes its data. For `afterAll`. */
  async dispose(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      await this.stop().catch(() => this.kill())
    }
    await rm(this.data, { recursive: true, force: true })
  }

  /** Spawns without waiting: for servers that are expected to fail. */
  static async spawn(options: ServerOptions = {}): Promise<Server> {
    const port = options.port ?? (await freePort())
    const data = options.data ?? (await mkdtemp(join(tmpdir(), 'roomful-outside-')))
    const node =
      options.via === 'npm'
        ? ['npm', 'start', '--silent']
        : [
            pinnedNode(),
            ...(options.nodeArgs ?? []),
            '--conditions=source',
            ...(options.entry === undefined ? mainProgram(port, data) : [options.entry]),
            ...(options.args ?? []),
          ]
    const [command, ...args] = [...(options.wrapper ?? []), ...node] as [string, ...string[]]
    const child = spawn(command, args, {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        PORT: String(port),
        JWT_SECRET: SECRET,
        ROOMFUL_DATA: data,
        ...(options.via !== 'npm' && options.wrapper === undefined && { NODE_COMPILE_CACHE: COMPILED }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return new Server(port, data, child)
  }

  /** Spawns and waits for `/ready`. @throws with its output when it exits before. */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const server = await Server.spawn(options)
    let gone: Exit | undefined
    void server.exited.then((exit) => {
      gone = exit
    })
    const ready = async (): Promise<boolean> => {
      if (gone)
        throw new Error(`the server exited with ${gone.code ?? gone.signal} before it was ready:\n${server.output}`)
      return await server.get('/ready').then(
        (response) => response.status === 200,
        () => false, // not listening yet
      )
    }
    const isCluster = process.env.TEST_NODES !== undefined && options.entry === undefined
    const timeoutMs = options.via === 'npm' ? 90_000 : isCluster ? NODES_READY_TIMEOUT_MS : READY_TIMEOUT_MS
    try {
      await until(ready, { timeoutMs, everyMs: 25, what: '/ready' })
    } catch (error) {
      if (!gone) await server.kill()
      throw new Error(`${String(error)}\n${server.output.slice(-4000)}`)
    }
    return server
  }
}
