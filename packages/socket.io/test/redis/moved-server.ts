/** A moved application in a process of its own, which finds the others by REDIS_URL. It prints its port. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from '../../src/index.ts'

const httpServer = createServer()
const io = new Server(httpServer, { roomful: { application: 'moved' } })
io.on('connection', (socket) => void socket.join('room'))
httpServer.listen(0, '127.0.0.1', () => console.log((httpServer.address() as AddressInfo).port))
