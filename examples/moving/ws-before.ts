/** A chat with rooms on `ws`: what one writes by hand before the first message is shown. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type RawData, WebSocket, WebSocketServer } from 'ws'

const PING_MS = 30_000

interface Member {
  readonly name: string
  room: string | undefined
  isAlive: boolean
}

export async function startBefore(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer()
  const sockets = new WebSocketServer({ server, path: '/ws/public' })
  const members = new Map<WebSocket, Member>()
  const rooms = new Map<string, Set<WebSocket>>()

  const send = (socket: WebSocket, message: object): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
  }
  const showPresence = (room: string): void => {
    const here = rooms.get(room) ?? []
    const users = [...here].map((socket) => members.get(socket)?.name)
    for (const socket of here) send(socket, { type: 'presence_update', room, users })
  }
  const leave = (socket: WebSocket, member: Member): void => {
    const { room } = member
    if (room === undefined) return
    member.room = undefined
    rooms.get(room)?.delete(socket)
    if (rooms.get(room)?.size === 0) rooms.delete(room)
    else showPresence(room)
  }
  const handle = (socket: WebSocket, member: Member, data: RawData): void => {
    const message = JSON.parse(String(data)) as { type: string; room: string; text: string }
    if (message.type === 'join') {
      leave(socket, member)
      member.room = message.room
      rooms.set(message.room, (rooms.get(message.room) ?? new Set()).add(socket))
      send(socket, { type: 'joined', room: message.room })
      showPresence(message.room)
    } else if (message.type === 'leave') {
      const { room } = member
      leave(socket, member)
      send(socket, { type: 'left', room })
    } else if (message.type === 'list') {
      const list = Array.from(rooms, ([room, here]) => ({ room, members: here.size }))
      send(socket, { type: 'rooms', rooms: list })
    } else if (member.room === undefined) {
      send(socket, { type: 'error', code: 'NOT_IN_ROOM', message: 'Join a room first' })
    } else {
      const { room, name } = member
      const out = { type: 'message', room, from: name, text: message.text, ts: Date.now() }
      for (const other of rooms.get(room) ?? []) if (other !== socket) send(other, out)
    }
  }

  sockets.on('connection', (socket, request: IncomingMessage) => {
    const name = new URL(request.url ?? '/', 'http://localhost').searchParams.get('name') ?? 'Guest'
    const member: Member = { name, room: undefined, isAlive: true }
    members.set(socket, member)
    socket.on('message', (data) => {
      try {
        handle(socket, member, data)
      } catch {
        send(socket, { type: 'error', code: 'PARSE_ERROR', message: 'Invalid JSON' })
      }
    })
    socket.on('pong', () => {
      member.isAlive = true
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      leave(socket, member)
      members.delete(socket)
    })
  })
  const heartbeat = setInterval(() => {
    for (const [socket, member] of members) {
      if (!member.isAlive) socket.terminate()
      member.isAlive = false
      socket.ping()
    }
  }, PING_MS)

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/public`,
    close: async () => {
      clearInterval(heartbeat)
      for (const socket of sockets.clients) socket.terminate()
      sockets.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
