/** `wss.clients` is a Set: it may be walked while those in it go. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import type { Demo } from '../demo.ts'

export const clients: Demo = async (print) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const sockets = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
      await once(socket, 'open')
      return socket
    }),
  )
  print(`wss.clients is a ${server.clients.constructor.name} of ${server.clients.size} ${nameOf(server.clients)}`)
  let visited = 0
  for (const client of server.clients) {
    visited++
    if (visited === 2) server.clients.delete(client) // as its close does
  }
  print(`one left while it was walked: ${visited} visited, ${server.clients.size} left`)
  const list = ['a', 'b', 'c', 'd']
  const seen: string[] = []
  for (let at = 0; at < list.length; at++) {
    seen.push(list[at] as string)
    if (list[at] === 'b') list.splice(at, 1)
  }
  print(`the same with an array and an index: visited ${seen.join(', ')}; c was skipped`)
  for (const socket of sockets) socket.terminate()
  server.close()
}

const nameOf = (values: Iterable<object>): string => `${[...values][0]?.constructor.name}s`
