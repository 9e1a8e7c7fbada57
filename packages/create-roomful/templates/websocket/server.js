// A server with one public room, and the page that uses it. The page needs no library.
import { readFile } from 'node:fs/promises'
import { createRoomful } from '@roomful/server'

const roomful = createRoomful({ data: './data' })
roomful.chat(roomful.namespace('/lobby', undefined, { guests: true }))

// What is not Roomful's comes to the listeners of its server.
roomful.server.on('request', async (request, response) => {
  if (request.url !== '/') return response.writeHead(404).end()
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(await readFile('public/index.html'))
})
const { url } = await roomful.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(`Open ${url} in two windows`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await roomful.close()
    process.exit(0)
  })
}
