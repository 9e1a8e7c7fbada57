/**
 * The server that benchmarks run against, on public APIs, with everything on that a deployment has; limits are set to 0.
 * Namespaces `/bench` and, for Socket.IO clients, `/`, without authentication: `room:join` is acknowledged, `pub {roomId,
 * data}` goes to the whole room as a durable event, `vol {roomId, data}` as a volatile one. `GET /gc` collects and tells
 * the memory. With `--tick-ms` it publishes to the room `feed` itself, at that interval. Speed targets P1 to P6.
 *
 *   npm run bench:server -- --port 9000 [--store memory|sqlite|redis] [--redis redis://…] [--tick-ms 1000]
 *     [--tracing 0.01 [--early-ratio] --collector http://…] [--webhooks http://…]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createRoomful, defineContract, event } from '@roomful/server'
import { z } from 'zod'
import { reportOn } from './lib/self-report.ts'
import { traced } from './lib/traced.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '9000' },
    store: { type: 'string', default: 'memory' },
    redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
    'tick-ms': { type: 'string', default: '0' },
    deflate: { type: 'boolean', default: false },
    'count-bytes': { type: 'boolean', default: false },
    /** Part of the requests that are followed, from 0 to 1. */
    tracing: { type: 'string' },
    'early-ratio': { type: 'boolean', default: false },
    collector: { type: 'string', default: 'http://127.0.0.1:4318' },
    webhooks: { type: 'string' },
  },
})
if (!['memory', 'sqlite', 'redis'].includes(values.store))
  throw new Error(`--store must be memory, sqlite or redis, not ${values.store}`)

const message = z.object({ roomId: z.string(), data: z.unknown() })
const contract = defineContract({
  client: { pub: event({ data: message }), vol: event({ data: message }) },
  server: {
    published: event({ args: [z.unknown()], durable: true }),
    shown: event({ args: [z.unknown()], volatile: true }),
  },
})

const data = values.store === 'memory' ? ':memory:' : mkdtempSync(join(tmpdir(), 'roomful-bench-'))
const roomful = createRoomful({
  data,
  ...(values.store === 'redis' && { redisUrl: values.redis }),
  ...(values.deflate && { deflate: true }),
  ...(values.tracing !== undefined && {
    observer: traced(Number(values.tracing), values.collector, values['early-ratio']),
  }),
  ...(values.webhooks !== undefined && {
    webhookUrl: values.webhooks,
    webhookSecret: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  }),
  ratePerSecond: 0,
  ratePerMinute: 0,
  maxConnectionsPerIp: 0,
  streamPiecesPerSecond: 0,
  streamCharsPerSecond: 0,
  streamMaxLength: 16 * 1024 * 1024,
  jwtSecret: 'a secret of the benchmark server only',
})
const [feed] = ['/bench', '/'].map((name) => {
  const bench = roomful.namespace(name, contract, { guests: true, open: true })
  bench.on('pub', (context, { roomId, data }) => context.append(roomId, 'published', data))
  roomful.chat(roomful.get(name))
  bench.on('vol', (context, { roomId, data }) => context.toAll(roomId).emit('shown', data))
  return bench
})

const server = createServer((request, response) => {
  if (!report(request, response)) response.writeHead(404).end()
})
const report = reportOn(server, values['count-bytes'])
await roomful.start()
roomful.attach(server)
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 4096 }, () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`bench server on http://127.0.0.1:${port} (${values.store})\n`)
})

const tickMs = Number(values['tick-ms'])
let ticks = 0
if (tickMs > 0) setInterval(() => feed?.to('feed').emit('published', { price: 100 + (ticks++ % 10) }), tickMs).unref()

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    server.close()
    await roomful.close()
    if (values.store !== 'memory') rmSync(data, { recursive: true, force: true })
    process.exit(0)
  })
}
