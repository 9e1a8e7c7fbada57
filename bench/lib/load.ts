/** Runs bench/load/load.c, compiled with the C compiler of the machine, and reads what it found out. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const SOURCE = fileURLToPath(new URL('../load/load.c', import.meta.url))
const FOLDER = fileURLToPath(new URL('../results/', import.meta.url))
const PROGRAM = `${FOLDER}load`

/** In milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface LoadResult {
  /** Clients that connected and entered their rooms, 64 at a time. */
  readonly enteredPerSecond: number
  /** Of the measured window; all counts are of it. */
  readonly seconds: number
  readonly published: number
  readonly deliveries: number
  readonly acks: number
  /** Of frames, with their headers. */
  readonly receivedBytes: number
  readonly ownCpuSeconds: number
  /** In the order of `--pid`. */
  readonly cpuSeconds: readonly number[]
  readonly deliveryMs: Latency | null
  /** Of receivers on another port than the sender's. */
  readonly crossNodeMs: Latency | null
  readonly ackMs: Latency | null
  readonly faults: Faults
}

/** Over the whole run. */
export interface Faults {
  /** Messages that were left out before a later one of the same publisher. */
  readonly gaps: number
  /** Messages that came after a later one, or twice. */
  readonly reorders: number
  /** Messages that had not come when nothing came for five seconds after the end. */
  readonly missing: number
  /** Clients whose connection broke. */
  readonly lost: number
}

/**
 * @param launcher runs before the program: what pins it to a core
 * @throws Error (rejects) when it could not run to its end
 */
export async function runLoad(args: readonly string[], launcher: readonly string[] = []): Promise<LoadResult> {
  await compile()
  const { code, output, complaint } = await run([...launcher, PROGRAM, ...args])
  if ((code === 0 || code === 1) && output !== '') return JSON.parse(output) as LoadResult
  throw new Error(complaint.trim())
}

async function compile(): Promise<void> {
  if (existsSync(PROGRAM) && statSync(PROGRAM).mtimeMs > statSync(SOURCE).mtimeMs) return
  mkdirSync(FOLDER, { recursive: true })
  const { code, complaint } = await run([process.env.CC ?? 'cc', '-O2', '-o', PROGRAM, SOURCE])
  if (code !== 0)
    throw new Error(`The load generator needs a C compiler (on Debian: apt-get install gcc). ${complaint}`)
}

async function run([program = '', ...args]: readonly string[]) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; error?: Error }>()
  child.once('error', (error) => resolve({ code: null, error }))
  child.once('close', (code) => resolve({ code }))
  const [output, complaint, { code, error }] = await Promise.all([text(child.stdout), text(child.stderr), promise])
  return { code, output, complaint: error === undefined ? complaint : error.message }
}
