/**
 * An application as it is written against Socket.IO's `Server`: rooms, events, acknowledgements. bench/socketio.ts runs this
 * very file with Socket.IO's own server and with `@roomful/socket.io`; only the name of the module differs.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import type { Server as OfficialServer } from 'socket.io'
import { reportOn } from '../lib/self-report.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    library: { type: 'string', default: 'socket.io' },
    middleware: { type: 'boolean', default: false },
  },
})
const { Server } = (await import(values.library)) as { Server: typeof OfficialServer }

const httpServer = createServer((request, response) => {
  if (!report(request, response)) response.writeHead(404).end()
})
const report = reportOn(httpServer)
const io = new Server(httpServer, {
  cors: { origin: '*', methods: ['GET', 'POST'] },
  pingInterval: 10000,
  pingTimeout: 5000,
  transports: ['websocket'],
  serveClient: false,
})
if (values.middleware) io.engine.use((_request: unknown, _response: unknown, next: () => void) => next())

io.use((socket, next) => {
  socket.data.user = { sub: socket.handshake.auth.token ?? 'anyone' }
  next()
})
io.on('connection', (socket) => {
  const userId = socket.data.user.sub
  socket.on('room:join', (roomId, ack) => {
    socket.join(roomId)
    socket.to(roomId).emit('user:joined', { userId })
    ack?.({ status: 'ok' })
  })
  socket.on('pub', (roomId, body) => io.to(roomId).emit('message:new', body))
  socket.on('ask', (body, ack) => ack(body))
})
httpServer.listen({ port: Number(values.port), host: '127.0.0.1', backlog: 4096 }, () => {
  process.stdout.write(`${values.library} on http://127.0.0.1:${(httpServer.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => process.exit(0))
