/**
 * Express and Roomful in one HTTP server: a page, a log of who comes and goes, and one other origin that may talk to it.
 * `GET /api/status` is Roomful's own answer. B15.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRoomful } from '@roomful/server'
import express from 'express'

const page = new URL('public', import.meta.url).pathname
/** What the page loads: the official client, as its package brings it. */
const socketIoClient = new URL('dist', import.meta.resolve('socket.io-client/package.json')).pathname

export interface Application {
  readonly url: string
  close(): Promise<void>
}

/** @param log told who connects and disconnects */
export async function startApplication(port: number, log: (line: string) => void): Promise<Application> {
  const app = express()
  app.use(express.static(page))
  app.use('/vendor', express.static(socketIoClient))
  app.get('/hello', (_request, response) => void response.json({ hello: 'from Express' }))

  const roomful = createRoomful({ data: ':memory:', corsOrigin: ['http://localhost:5173'] })
  const lobby = roomful.namespace('/', undefined, { guests: true })
  roomful.chat(lobby)
  lobby.hook('connect', ({ id }) => log(`connected ${id}`))
  lobby.hook('disconnect', ({ id }, reason) => log(`disconnected ${id}: ${reason}`))

  const server = createServer(app) // the server, which app.listen would have made
  roomful.attach(server)
  await roomful.start()
  await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve))
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: async () => {
      await roomful.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
