/** Three clients, one of which asks the server to emit in three ways: who gets what, with Socket.IO's server and with ours. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful } from '@roomful/server'
import { Server } from 'socket.io'
import { io, type Socket } from 'socket.io-client'
import { columns, type Demo } from '../demo.ts'

const NAMES = ['Ann (who asked)', 'Ben', 'Cem']

export const emit: Demo = async (print) => {
  const http = createServer()
  const server = new Server(http)
  server.on('connection', (socket) => {
    socket.on('go', (_data, done) => {
      socket.emit('event', 'socket.emit')
      server.emit('event', 'io.emit')
      socket.broadcast.emit('event', 'socket.broadcast.emit')
      done()
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  print('Socket.IO')
  const theirs = ['socket.emit', 'io.emit', 'socket.broadcast.emit']
  for (const line of await show((http.address() as AddressInfo).port, '/', theirs)) print(`  ${line}`)
  await server.close()

  await using roomful = createRoomful({ data: ':memory:', host: '127.0.0.1' })
  const desk = roomful.namespace('/desk', undefined, { guests: true })
  desk.on('go', (context) => {
    context.emit('event', 'context.emit')
    desk.emit('event', 'namespace.emit')
    context.broadcast.emit('event', 'context.broadcast.emit')
  })
  const { port } = await roomful.listen({ port: 0 })
  print('Roomful')
  const ours = ['context.emit', 'namespace.emit', 'context.broadcast.emit']
  for (const line of await show(port, '/desk', ours)) print(`  ${line}`)
}

async function show(port: number, namespace: string, calls: readonly string[]): Promise<string[]> {
  const clients = NAMES.map((name) =>
    io(`http://127.0.0.1:${port}${namespace}`, { forceNew: true, transports: ['websocket'], auth: { name } }),
  )
  await Promise.all(clients.map((client) => new Promise<void>((resolve) => client.once('connect', () => resolve()))))
  const got = clients.map((client) => collect(client))
  await clients[0]?.emitWithAck('go', {})
  // What was sent before the answer of a later request has arrived before it.
  await Promise.all(got.map(({ expected }, at) => expected(at === 0 ? 2 : 2)))
  for (const client of clients) client.disconnect()
  const rows = calls.map((call) => [call, ...got.map(({ values }) => (values.includes(call) ? 'yes' : '-'))])
  return columns([['call', ...NAMES], ...rows])
}

function collect(client: Socket) {
  const values: string[] = []
  let look: () => void = () => undefined
  client.on('event', (value: string) => {
    values.push(value)
    look()
  })
  const expected = (count: number): Promise<void> =>
    new Promise((resolve) => {
      look = () => values.length >= count && resolve()
      look()
    })
  return { values, expected }
}
