/**
 * A server under measurement, in a process of its own, so that what its clients cost is not counted. It prints a line when
 * it listens, and answers `/cpu` and `/bytes` about itself.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { ObjectCounts } from './self-report.ts'

export interface Usage {
  /** User and system time so far, in microseconds. */
  readonly cpuUs: number
  /** Of that, the thread that runs JavaScript: what bounds a server that has a core for itself. */
  readonly mainUs: number
  readonly rssBytes: number
}

export class ServerProcess {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  /**
   * @param script beside this folder, or anywhere by its whole path
   * @param launcher runs before Node: what pins it to a core
   * @param runtime instead of Node, with its flags
   * @throws Error (rejects) when it ends before it listens
   */
  static async start(
    script: string,
    args: readonly string[] = [],
    launcher: readonly string[] = [],
    runtime: readonly string[] = [process.execPath, '--max-semi-space-size=8', '--conditions=source'],
  ): Promise<ServerProcess> {
    const path = isAbsolute(script) ? script : fileURLToPath(new URL(`../${script}`, import.meta.url))
    const [program = '', ...rest] = [...launcher, ...runtime, path, '--port', '0', ...args]
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])])) as [string]
    const [, port] = /:(\d+)\b/.exec(line) ?? []
    if (port === undefined) throw new Error(`${script} did not start`)
    return new ServerProcess(child, Number(port))
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** What it has used so far. */
  usage(): Promise<Usage> {
    return this.ask<Usage>('/cpu')
  }

  /** Bytes of TCP payload, in and out, over all connections since the start. */
  bytes(): Promise<number> {
    return this.ask<number>('/bytes')
  }

  /** Resident memory at the moment. */
  async resident(): Promise<number> {
    return Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${this.pid}/status`, 'utf8'))?.[1]) * 1024
  }

  /** User and system time so far, of all its threads, in microseconds; asks the system and not the server. */
  async cpuUs(): Promise<number> {
    const tasks = await readdir(`/proc/${this.pid}/task`)
    const times = await Promise.all(tasks.map((task) => readFile(`/proc/${this.pid}/task/${task}/schedstat`, 'utf8')))
    return times.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1_000, 0)
  }

  /** Resident memory after a collection. */
  async collected(): Promise<number> {
    await this.ask('/gc')
    return (await this.usage()).rssBytes
  }

  /** Garbage is collected first. */
  objects(): Promise<ObjectCounts> {
    return this.ask<ObjectCounts>('/objects')
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const gone = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await gone
  }

  private async ask<Answer>(path: string): Promise<Answer> {
    const response = await fetch(this.origin + path, { headers: { connection: 'close' } })
    return (await response.json()) as Answer
  }
}
