/**
 * A chat's server as it is written for Socket.IO. This very file runs on Socket.IO's own server and on Roomful's: what differs is
 * the name of the module, which an application writes in one import.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'
import type { Server as ServerOfSocketIo } from 'socket.io'

const LIBRARIES = {
  'socket.io': () => import('socket.io'),
  '@roomful/socket.io': () => import('@roomful/socket.io'),
}
export type Library = keyof typeof LIBRARIES

export async function startServer(
  library: Library,
  secret: string,
): Promise<{ url: string; close: () => Promise<void> }> {
  const { Server } = (await LIBRARIES[library]()) as unknown as { Server: typeof ServerOfSocketIo }

  const httpServer = createServer()
  const io = new Server(httpServer, {
    cors: { origin: '*', methods: ['GET', 'POST'] },
    pingInterval: 10000,
    pingTimeout: 5000,
  })

  io.use((socket, next) => {
    jwtVerify(socket.handshake.auth.token, new TextEncoder().encode(secret)).then(
      ({ payload }) => {
        socket.data.user = payload
        next()
      },
      () => next(new Error('Authentication failed')),
    )
  })

  io.on('connection', (socket) => {
    const userId = socket.data.user.sub
    socket.on('room:join', (roomId) => {
      socket.join(roomId)
      socket.to(roomId).emit('user:joined', { userId })
    })
    socket.on('message:send', ({ roomId, content }, ack) => {
      io.to(roomId).emit('message:new', { id: Date.now(), userId, content, ts: Date.now() })
      ack?.({ status: 'ok' })
    })
    socket.on('typing:start', (roomId) => {
      socket.to(roomId).emit('user:typing', { userId })
    })
  })

  await new Promise<void>((resolve) => httpServer.listen(0, 'localhost', resolve))
  const close = async (): Promise<void> => void (await io.close())
  return { url: `http://localhost:${(httpServer.address() as AddressInfo).port}`, close }
}
