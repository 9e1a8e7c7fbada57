/** A real redis-server of the test's own: on a random port, in a folder that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'

const PROGRAM = process.env.REDIS_SERVER ?? '/usr/bin/redis-server'
const START_MS = 10_000

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** As `kill -9` does; {@link start} begins again on the same data. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Everything that it holds. */
  dump(): Promise<Buffer>
  /** Begins again with that: what came after it is lost. */
  restore(dump: Buffer): Promise<void>
  pause(): void
  resume(): void
  /** One command on a connection of its own. */
  command(...args: string[]): Promise<unknown>
  stop(): Promise<void>
}

/** @param settings as in redis.conf: `['appendonly', 'yes']` */
export async function startRedis(...settings: (readonly [string, string])[]): Promise<RedisServer> {
  if (!existsSync(PROGRAM)) {
    throw new Error(`These tests need redis-server, and ${PROGRAM} is not there: apt-get install redis-server`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'roomful-redis-'))
  const port = await freePort()
  const isSentinel = settings.some(([name]) => name.startsWith('sentinel'))
  const has = (wanted: string) => settings.find(([name]) => name === wanted)?.[1] ?? ''
  const isTls = has('tls') !== ''
  let child: ChildProcess | undefined
  let output = ''

  const url = `redis://127.0.0.1:${port}`
  const command = async (...args: string[]) => {
    const files = { ca: 'tls-ca-cert-file', cert: 'tls-cert-file', key: 'tls-key-file' }
    const tls = isTls && Object.fromEntries(Object.entries(files).map(([of, name]) => [of, readFileSync(has(name))]))
    const client = createClient({
      url: isTls ? url.replace(':', 's:') : url,
      socket: { ...tls, reconnectStrategy: false },
    })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return await client.sendCommand(args)
    } finally {
      client.destroy()
    }
  }
  const start = async () => {
    const chosen = isSentinel
      ? ['--sentinel']
      : settings.flatMap(([name, value]) => (name === 'tls' ? [] : [`--${name}`, ...value.split(' ')]))
    const ports = isTls ? ['--port', '0', '--tls-port', String(port)] : ['--port', String(port)]
    const fixed = [...ports, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
    process.once('exit', () => child?.kill('SIGKILL'))
    // Sentinel writes down what it finds, and will not start without a file for that.
    const conf = join(folder, 'sentinel.conf')
    if (isSentinel) writeFileSync(conf, settings.map(([name, value]) => `${name} ${value}\n`).join(''))
    child = spawn(PROGRAM, [...(isSentinel ? [conf] : []), ...fixed, ...chosen], { stdio: ['ignore', 'pipe', 'pipe'] })
    output = ''
    child.stdout?.on('data', (text: Buffer) => (output += text.toString()))
    child.stderr?.on('data', (text: Buffer) => (output += text.toString()))
    const until = Date.now() + START_MS
    for (;;) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`redis-server did not start: ${output}`)
      const answer = await command('PING').catch(() => undefined)
      if (String(answer) === 'PONG') return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const file = join(folder, 'dump.rdb')
  const dump = async () => {
    await command('SAVE')
    return readFileSync(file)
  }
  const restore = async (kept: Buffer) => {
    await kill()
    writeFileSync(file, kept)
    await start()
  }
  const stop = async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  }
  await start()
  return {
    url,
    port,
    kill,
    start,
    stop,
    command,
    dump,
    restore,
    pause: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
