// Express and Roomful in one HTTP server. Your routes are Express's; /ws, /sse, /socket.io and /api/… are Roomful's.
import { createServer } from 'node:http'
import { createRoomful, SERVER_LIMITS } from '@roomful/server'
import express from 'express'

const app = express()
app.use(express.static('public'))
// The SDK for the page, as its packages bring it.
app.use('/modules', express.static('node_modules/@roomful'))
app.get('/hello', (_request, response) => response.json({ hello: 'from Express' }))

const roomful = createRoomful({ data: './data' })
const lobby = roomful.namespace('/lobby', undefined, { guests: true })
roomful.chat(lobby)
lobby.on('roll', (context, { sides }) => {
  const result = 1 + Math.floor(Math.random() * sides)
  context.append('lobby', 'rolled', { name: context.user.name, sides, result }) // stored, numbered, sent to the room
  return { result }
})

const server = createServer(SERVER_LIMITS, app)
roomful.attach(server)
const port = Number(process.env.PORT ?? 3000)
server.listen(port, 'localhost', () => console.log(`Open http://localhost:${server.address().port} in two windows`))

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await roomful.close()
    server.close(() => process.exit(0))
    server.closeAllConnections()
  })
}
