/** The chat's client as it was written for Socket.IO's own server. It does not know which server it talks to. */
import { io, type Socket } from 'socket.io-client'

export interface Screen {
  appendMessage(message: { userId: string; content: string }): void
  showTypingIndicator(userId: string): void
  showDelivered(content: string): void
  showProblem(message: string): void
}

export function startChat(url: string, jwt: string, screen: Screen): Chat {
  const socket = io(url, {
    auth: { token: jwt },
    reconnection: true,
    reconnectionDelay: 1000,
    reconnectionAttempts: 10,
    timeout: 10000,
  })

  socket.on('connect', () => {
    socket.emit('room:join', 'chat-room-123')
  })

  socket.on('message:new', (msg) => {
    screen.appendMessage(msg)
  })

  socket.on('user:typing', ({ userId }) => {
    screen.showTypingIndicator(userId)
  })

  socket.on('connect_error', (err) => {
    screen.showProblem(err.message)
  })

  return {
    socket,
    send: (content) => {
      socket.emit('message:send', { roomId: 'chat-room-123', content }, (ack?: { status: string }) => {
        if (ack?.status === 'ok') screen.showDelivered(content)
      })
    },
    type: () => socket.emit('typing:start', 'chat-room-123'),
    stop: () => socket.disconnect(),
  }
}

export interface Chat {
  readonly socket: Socket
  send(content: string): void
  type(): void
  stop(): void
}
