/**
 * A chat as teams write it for Socket.IO, moved by its import and the option `durable`. Settings come from the environment, as
 * `REDIS_URL` does for several of them.
 */
import { createServer } from 'node:http'
import { Server } from '@roomful/socket.io'

const { PORT, HOST = '127.0.0.1', TRANSIENT } = process.env
const NOTICE_MS = 200
const PAGE = 100
/** Of its notices. */
const run = crypto.randomUUID()

const httpServer = createServer(async ({ url = '' }, response) => {
  const { pathname, searchParams } = new URL(url, 'http://app')
  try {
    const page = await io.history(searchParams.get('room') ?? 'chaos', {
      after: Number(searchParams.get('after') ?? 0),
      limit: PAGE,
    })
    response.end(pathname === '/log' ? JSON.stringify(page) : 'ready')
  } catch {
    response.writeHead(503).end()
  }
})
const io = new Server(httpServer, {
  durable: { events: ['message:new'], transient: TRANSIENT === 'required' ? 'required' : 'best-effort' },
  connectionStateRecovery: {},
  pingInterval: 1_000,
  pingTimeout: 2_000,
})
io.on('durable_error', () => undefined) // the client is not answered, and asks again

io.on('connection', (socket) => {
  socket.data.name = socket.handshake.auth.name
  /** Answers what the room had, the latest of it, for clients that did not come back as who they were. */
  socket.on('join', async (room: string, answer: (history: unknown) => void) => {
    await socket.join(room)
    answer(await io.history(room, { limit: PAGE }))
  })
  socket.on('page', async (room: string, before: number, answer: (history: unknown) => void) => {
    answer(await io.history(room, { before, limit: PAGE }))
  })
  socket.on('say', (room: string, key: string, answer: (result: { ok: boolean }) => void) => {
    socket.to(room).emit('message:new', { key, name: socket.data.name, from: socket.id })
    answer({ ok: true })
  })
})

let notices = 0
setInterval(() => io.emit('notice', { run, number: ++notices }), NOTICE_MS)
httpServer.listen(Number(PORT), HOST)
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => io.close().then(() => process.exit(0)))
}
