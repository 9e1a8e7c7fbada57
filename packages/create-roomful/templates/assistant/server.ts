// Roomful and the page in one HTTP server: in development Vite serves the page, in production the folder dist.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful, SERVER_LIMITS } from '@roomful/server'
import sirv from 'sirv'
import { answer } from './model.ts'

const isProduction = process.env.NODE_ENV === 'production'
const roomful = createRoomful({ data: './data' })
const chat = roomful.namespace('/chat', undefined, { guests: true })
roomful.chat(chat)
chat.room('room-*', { capacity: 100 })

const ASSISTANT = { userId: 'assistant', name: 'Assistant' }

// Each message of a person is answered by one that grows, for everyone in the room.
chat.hook('stored', ({ roomId, type, seq, id, userId, data }) => {
  const { content } = data as { content?: string }
  if (type !== 'message:new' || userId === ASSISTANT.userId || content === undefined) return
  chat
    .stream(roomId, 'message:new', { ...ASSISTANT, replyTo: id }, { key: `answer ${seq}`, userId: ASSISTANT.userId })
    .then((message) => message.write(answer(content, message.signal)), console.error)
})

let page: RequestListener = (_request, response) => void response.writeHead(503).end()
const server = createServer(SERVER_LIMITS, (request, response) => page(request, response))
roomful.attach(server) // requests and upgrades for Roomful reach neither the page nor Vite

if (isProduction) {
  page = sirv('dist', { single: true })
} else {
  const { createServer: createVite } = await import('vite')
  page = (await createVite({ server: { middlewareMode: true, hmr: { server } }, appType: 'spa' })).middlewares
}

server.listen(Number(process.env.PORT ?? 3000), 'localhost', () => {
  console.log(`Open http://localhost:${(server.address() as AddressInfo).port} in two windows`)
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await roomful.close()
    process.exit(0)
  })
}
