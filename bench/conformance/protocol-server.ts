/** The servers that the READMEs of the two protocol suites ask for, with the package that `--library` names. */
import { parseArgs } from 'node:util'
import type { Server } from 'socket.io'

/** What both engines have of a connection. */
interface EngineSocket {
  on(event: 'data', listener: (data: string) => void): unknown
  send(data: string): unknown
}
interface Engine {
  on(event: 'connection', listener: (socket: EngineSocket) => void): unknown
}

const { values } = parseArgs({ options: { library: { type: 'string', default: '' }, port: { type: 'string' } } })
const timing = { pingInterval: 300, pingTimeout: 200, maxHttpBufferSize: 1_000_000, cors: { origin: '*' } }
const library = (await import(values.library)) as {
  Server: typeof Server
  listen?: (port: number, options: object) => Engine
}
const port = Number(values.port)
if (library.listen) {
  const engine = library.listen(port, timing)
  engine.on('connection', (socket) => void socket.on('data', (data) => socket.send(data)))
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
