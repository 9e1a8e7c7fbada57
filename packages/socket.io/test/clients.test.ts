/** Official clients over every transport. */
import type { AddressInfo } from 'node:net'
import { type Socket as ClientSocket, io as connect } from 'socket.io-client'
import { afterEach, describe, expect, it } from 'vitest'
import { Server } from '../src/index.ts'

const servers: Server[] = []
const clients: ClientSocket[] = []

function open(): { io: Server; url: string } {
  const io = new Server(0, { cors: { origin: '*' }, pingInterval: 10_000, pingTimeout: 5_000 })
  servers.push(io)
  const { port } = io.httpServer.address() as AddressInfo
  return { io, url: `http://localhost:${port}` }
}

function client(url: string, transports: string[], auth: Record<string, unknown> = {}): ClientSocket {
  const made = connect(url, { transports, auth, forceNew: true })
  clients.push(made)
  return made
}

function once(socket: ClientSocket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, (...args) => resolve(args)))
}

afterEach(async () => {
  for (const each of clients.splice(0)) each.disconnect()
  for (const each of servers.splice(0)) await each.close()
})

describe.each([[['websocket']], [['polling']], [['polling', 'websocket']]])('a client over %s', (transports) => {
  it('joins a room, hears the others, and is acknowledged', async () => {
    const { io, url } = open()
    io.use((socket, next) => {
      socket.data.name = socket.handshake.auth.name
      next(socket.data.name === undefined ? new Error('no name') : undefined)
    })
    io.on('connection', (socket) => {
      socket.join('room')
      socket.to('room').emit('joined', socket.data.name, Buffer.from('bytes'))
      socket.on('ask', (question, answer) => answer({ status: 'ok', question }, [...socket.rooms]))
    })
    const ann = client(url, transports, { name: 'ann' })
    await once(ann, 'connect')
    const joined = once(ann, 'joined')
    const bob = client(url, transports, { name: 'bob' })
    expect(await joined).toEqual(['bob', Buffer.from('bytes')])
    const answer = await new Promise<unknown[]>((resolve) =>
      bob.emit('ask', { a: 1 }, (...got: unknown[]) => resolve(got)),
    )
    expect(answer).toEqual([{ status: 'ok', question: { a: 1 } }, [bob.id, 'room']])
    const [error] = (await once(client(url, transports), 'connect_error')) as [Error]
    expect(error.message).toBe('no name')
  })
})
