/**
 * A node of Socket.IO as its documentation sets it up: alone, or with one of its two Redis adapters. The peer of
 * bench/nodes.ts. It numbers and keeps nothing, but for what the streams adapter keeps for all rooms together.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { createAdapter as createPubSubAdapter } from '@socket.io/redis-adapter'
import { createAdapter as createStreamsAdapter } from '@socket.io/redis-streams-adapter'
import { createClient } from 'redis'
import { Server, type ServerOptions } from 'socket.io'
import { reportOn } from '../lib/self-report.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    adapter: { type: 'string', default: 'none' },
    redis: { type: 'string', default: '' },
  },
})

const adapters: Readonly<Record<string, () => Promise<Partial<ServerOptions>>>> = {
  none: async () => ({}),
  'redis-adapter': async () => {
    const [publisher, subscriber] = await Promise.all([openClient(), openClient()])
    return { adapter: createPubSubAdapter(publisher, subscriber) }
  },
  'redis-streams-adapter': async () => ({ adapter: createStreamsAdapter(await openClient()) }),
}

function openClient() {
  return createClient({ url: values.redis }).connect()
}

const adapter = adapters[values.adapter]
if (adapter === undefined) throw new Error(`There is no adapter ${values.adapter}`)
const server = createServer((request, response) => {
  if (!report(request, response)) response.writeHead(404).end()
})
const report = reportOn(server)
const io = new Server(server, { transports: ['websocket'], serveClient: false, ...(await adapter()) })
io.on('connection', (socket) => {
  socket.on('join', async (room: string) => {
    await socket.join(room)
    socket.emit('joined')
  })
  socket.on('pub', (room: string, body: unknown) => io.to(room).emit('msg', body))
})
server.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`Socket.IO on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => process.exit(0))
