/** One of the servers whose memory `demos/memory.ts` measures: says its port, and how much it uses when it is asked. */

import { createServer } from 'node:http'
import type { AddressInfo, Server as NetServer } from 'node:net'
import { createRoomful } from '@roomful/server'
import { Server } from 'socket.io'
import { WebSocketServer } from 'ws'

/** Long enough that `ws` compresses it. */
const GREETING = 'Hello '.repeat(400)

const servers: Readonly<Record<string, (http: NetServer & ReturnType<typeof createServer>) => void>> = {
  ws: (server) => greet(new WebSocketServer({ server })),
  deflate: (server) => greet(new WebSocketServer({ server, perMessageDeflate: true })),
  socketio: (server) => {
    new Server(server).on('connection', (socket) => {
      socket.join('room')
      socket.emit('greeting', GREETING)
    })
  },
  roomful: (server) => {
    const unlimited = { maxConnectionsPerIp: 0, connectsPerMinute: 0 }
    createRoomful({ data: ':memory:', ...unlimited })
      .standardNamespaces()
      .attach(server)
  },
}

function greet(server: WebSocketServer): void {
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    socket.send(GREETING)
  })
}

const http = createServer()
servers[process.argv[2] ?? '']?.(http)
http.listen(0, '127.0.0.1', () => process.send?.((http.address() as AddressInfo).port))
process.on('message', () => {
  for (let run = 0; run < 3; run++) globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ used: heapUsed + external, rss })
})
process.on('disconnect', () => process.exit())
