import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRoomful } from '@roomful/server'
import { addAuction } from './auction.ts'

const page = readFileSync(new URL('page.html', import.meta.url))
const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html; charset=utf-8').end(page)
})
const roomful = createRoomful({ data: ':memory:' })
addAuction(roomful)
roomful.attach(server)

const port = Number(process.env.PORT ?? 3000)
server.listen(port, 'localhost', () => console.log(`Open http://localhost:${port} in two windows`))
