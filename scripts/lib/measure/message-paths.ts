/** One `message:send` from a client to the answer and to everyone in the room, in this process. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { createRoomful } from '@roomful/server'
import WebSocket from 'ws'
import { visitedFiles } from './visited-files.ts'

/** From a bare WebSocket through a log in memory to another bare WebSocket. */
export async function plainMessage(): Promise<string[]> {
  return withServer(':memory:', async (url) => {
    const address = `${url.replace('http', 'ws')}/ws/public`
    const [ann, ben] = await Promise.all([bareMember(`${address}?name=Ann`), bareMember(`${address}?name=Ben`)])
    try {
      return await visitedFiles(async () => {
        const arrived = ben.next('chat:message')
        const acknowledged = ann.next('ack')
        ann.send({ type: 'chat:message', roomId: 'lobby', content: 'Hello', id: 2 })
        await Promise.all([arrived, acknowledged])
      })
    } finally {
      ann.close()
      ben.close()
    }
  })
}

/** From the SDK through SQLite to two SDKs. */
export async function sdkMessage(): Promise<string[]> {
  const data = mkdtempSync(join(tmpdir(), 'roomful-measure-'))
  try {
    return await withServer(data, async (url) => {
      const clients = ['Ann', 'Ben', 'Eve'].map((name) => connect(url, { namespace: '/public', name }))
      const rooms = clients.map((client) => client.room('lobby'))
      try {
        await Promise.all(rooms.map((room) => room.ready))
        return await visitedFiles(async () => {
          const offs: (() => void)[] = []
          const arrived = rooms.map(
            (room) => new Promise<void>((resolve) => offs.push(room.on('message:new', () => resolve()))),
          )
          await rooms[0]?.send('Hello')
          await Promise.all(arrived)
          for (const off of offs) off()
        })
      } finally {
        for (const client of clients) client.close()
      }
    })
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
}

async function withServer<T>(data: string, run: (url: string) => Promise<T>): Promise<T> {
  const roomful = createRoomful({ data, ratePerSecond: 0, ratePerMinute: 0 })
  roomful.standardNamespaces()
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  try {
    return await run(url)
  } finally {
    await roomful.close()
  }
}

type Message = Record<string, unknown>

async function bareMember(address: string) {
  const socket = new WebSocket(address)
  const waiting = new Map<string, (message: Message) => void>()
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as Message
    waiting.get(String(message.type))?.(message)
  })
  const next = (type: string) => new Promise<Message>((resolve) => waiting.set(type, resolve))
  const send = (message: Message) => socket.send(JSON.stringify(message))
  await next('auth_ok')
  const joined = next('ack')
  send({ type: 'room:join', roomId: 'lobby', id: 1 })
  await joined
  return { next, send, close: () => socket.close() }
}
