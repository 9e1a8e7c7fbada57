/** The servers that the READMEs of the two protocol suites ask for, with the package that `--library` names. */
import { parseArgs } from 'node:util'
import type { Server as EngineServer } from 'engine.io'
import type { Server } from 'socket.io'

const { values } = parseArgs({ options: { library: { type: 'string', default: '' }, port: { type: 'string' } } })
const timing = { pingInterval: 300, pingTimeout: 200, maxHttpBufferSize: 1_000_000, cors: { origin: '*' } }
const library = (await import(values.library)) as {
  Server: typeof Server
  listen?: (port: number, options: object) => EngineServer
}
const port = Number(values.port)
if (library.listen) {
  const engine = library.listen(port, timing)
  engine.on(
    'connection',
    (socket: { on: (event: 'data', fn: (data: string) => void) => void; send: (data: string) => void }) =>
      socket.on('data', (data) => socket.send(data)),
  )
} else {
  const io = new library.Server(port, { ...timing, connectTimeout: 1_000 })
  io.on('connection', (socket) => {
    socket.emit('auth', socket.handshake.auth)
    socket.on('message', (...args) => socket.emit('message-back', ...args))
    socket.on('message-with-ack', (...args) => args.pop()(...args))
  })
  io.of('/custom').on('connection', (socket) => socket.emit('auth', socket.handshake.auth))
}
process.stdout.write(`${values.library} on port ${port}\n`)
