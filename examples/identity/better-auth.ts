/** Users of better-auth: it reads the headers of the request by which a client came. */
import { createServer } from 'node:http'
import { createRoomful } from '@roomful/server'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import { fromNodeHeaders, toNodeHandler } from 'better-auth/node'
import { type Application, listen } from './listen.ts'

export async function startBetterAuth(port: number): Promise<Application> {
  const auth = betterAuth({
    baseURL: `http://localhost:${port}`,
    secret: 'a secret of at least thirty-two characters',
    // In production a database.
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    emailAndPassword: { enabled: true },
  })
  const roomful = createRoomful({
    data: ':memory:',
    async authenticate({ headers }) {
      const found = await auth.api.getSession({ headers: fromNodeHeaders(headers) })
      return found && { sub: found.user.id, name: found.user.name, expiresAt: found.session.expiresAt }
    },
  })
  roomful.chat(roomful.namespace('/chat'))
  const handle = toNodeHandler(auth)
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/auth/')) void handle(request, response)
    else response.writeHead(404).end()
  })
  return await listen(server, roomful, port)
}
