/** A chat server in a process of its own, which a test kills: the folder of its log, its port. It prints the port. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '../../src/index.ts'

const [data = ':memory:', port] = process.argv.slice(2)
const httpServer = createServer()
const io = new Server(httpServer, {
  durable: { events: ['message:new'], data },
  connectionStateRecovery: {},
})

io.use((socket, next) => {
  socket.data.checks = (socket.data.checks ?? 0) + 1
  next()
})
io.on('connection', (socket) => {
  socket.on('join', (room, answer) => {
    socket.join(room)
    answer([...socket.rooms])
  })
  socket.on('rename', (name, answer) => {
    socket.data.name = name
    answer('ok')
  })
  socket.on('say', (room, text, answer) => {
    socket.to(room).emit('message:new', text)
    answer({ ok: true })
  })
  socket.on('who', (answer) => answer(socket.recovered, socket.data, [...socket.rooms]))
})
httpServer.listen(Number(port), () => console.log((httpServer.address() as AddressInfo).port))
