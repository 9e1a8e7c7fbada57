/**
 * Socket.IO by polling alone on several nodes: behind an nginx that sends each request to any node, beside one that sends
 * all of a client's requests to the node that has its session. Clients ask at a fixed pace, so that latency and not load is
 * measured. A client that loses its session fails the bench. Target N11. Needs redis-server and nginx.
 *
 *   npm run bench -- polling [--nodes 4] [--clients 10] [--seconds 5] [--every-ms 200] [--repeats 3]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { io, type Socket } from 'socket.io-client'
import { renderSite, startNginx } from '../scripts/lib/cluster/nginx.ts'
import { freePort } from '../scripts/lib/cluster/ports.ts'
import { startRedis } from '../scripts/lib/cluster/redis.ts'
import { ServerProcess } from './lib/server-process.ts'
import { table, whole } from './lib/table.ts'

interface Load {
  readonly clients: number
  readonly seconds: number
  readonly everyMs: number
}

interface Measured {
  /** Sorted, in ms: from a request to its acknowledgement. */
  readonly latencies: readonly number[]
}

async function connectTo(url: string): Promise<Socket> {
  const socket = io(url, { transports: ['polling'], forceNew: true, reconnection: false })
  await new Promise((resolve, reject) => socket.once('connect', () => resolve(0)).once('connect_error', reject))
  return socket
}

/** @throws Error (rejects) when a client lost its session */
async function measure(urls: readonly string[], { clients, seconds, everyMs }: Load): Promise<Measured> {
  const sockets: Socket[] = []
  for (let i = 0; i < clients; i++) sockets.push(await connectTo(urls[i % urls.length] ?? ''))
  const latencies: number[] = []
  const end = performance.now() + seconds * 1_000
  const lost = new Promise<never>((_, reject) => {
    for (const socket of sockets) {
      socket.once(
        'disconnect',
        (reason) => performance.now() < end && reject(new Error(`A client was lost: ${reason}`)),
      )
    }
  })
  const ask = async (socket: Socket, index: number): Promise<void> => {
    await setTimeout((index / clients) * everyMs)
    while (performance.now() < end) {
      const askedAt = performance.now()
      await socket.timeout(10_000).emitWithAck('vol', { roomId: `room-${index}`, data: 'x'.repeat(100) })
      latencies.push(performance.now() - askedAt)
      await setTimeout(Math.max(0, askedAt + everyMs - performance.now()))
    }
  }
  await Promise.race([lost, Promise.all(sockets.map(ask))])
  for (const socket of sockets) socket.disconnect()
  return { latencies: latencies.toSorted((a, b) => a - b) }
}

export async function run(args: readonly string[]): Promise<string> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string', default: '4' },
      clients: { type: 'string', default: '10' },
      seconds: { type: 'string', default: '5' },
      'every-ms': { type: 'string', default: '200' },
      repeats: { type: 'string', default: '3' },
    },
  })
  const load = { clients: Number(values.clients), seconds: Number(values.seconds), everyMs: Number(values['every-ms']) }
  const folder = mkdtempSync(join(tmpdir(), 'roomful-bench-'))
  const stops: (() => Promise<unknown>)[] = []
  try {
    const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'everysec' })
    stops.push(() => redis.stop())
    const ports: number[] = []
    for (let i = 0; i < Number(values.nodes); i++) {
      const node = await ServerProcess.start('server.ts', ['--store', 'redis', '--redis', redis.url])
      stops.push(() => node.stop())
      ports.push(node.port)
    }
    const inFrontOf = async (upstreams: readonly number[]): Promise<string> => {
      const port = await freePort()
      const own = join(folder, String(port))
      mkdirSync(own)
      const servers = upstreams.map((each) => `127.0.0.1:${each}`)
      const site = renderSite({ upstreams: servers, listen: `127.0.0.1:${port}` })
      const nginx = await startNginx({ folder: own, site, port })
      stops.push(() => nginx.stop())
      return `http://127.0.0.1:${port}`
    }
    const ways = new Map([
      ['own node', await Promise.all(ports.map((port) => inFrontOf([port])))],
      ['any node', [await inFrontOf(ports)]],
    ])
    const found = new Map<string, number[]>()
    for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
      for (const [name, urls] of ways) {
        const { latencies } = await measure(urls, load)
        found.set(name, [...(found.get(name) ?? []), ...latencies])
      }
    }
    return describe(found, load, Number(values.nodes))
  } finally {
    for (const stop of stops.reverse()) await stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

function describe(found: ReadonlyMap<string, readonly number[]>, { clients, everyMs }: Load, nodes: number): string {
  const rows = Array.from(found, ([name, all]) => {
    const sorted = all.toSorted((a, b) => a - b)
    const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
    return { name, count: sorted.length, p50: at(0.5), p99: at(0.99) }
  })
  const ms = (value: number): string => value.toFixed(2)
  const [own, any] = rows
  const ratio = (any?.p50 ?? Number.NaN) / (own?.p50 ?? Number.NaN)
  return [
    `Socket.IO by polling, ${clients} clients, a request each ${everyMs} ms, ${nodes} nodes behind nginx (N11: 1.5 ×)`,
    table(
      ['requests go to', 'requests', 'p50 ms', 'p99 ms'],
      rows.map(({ name, count, p50, p99 }) => [name, whole(count), ms(p50), ms(p99)]),
    ),
    `p50 ${ratio.toFixed(2)} × that of the own node; no request failed`,
  ].join('\n')
}
