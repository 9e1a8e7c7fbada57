/** Users who signed in to an Express application: their session cookie says who a client is. */
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import { createRoomful } from '@roomful/server'
import { unsign } from 'cookie-signature'
import express from 'express'
import session, { MemoryStore, type SessionData } from 'express-session'
import { type Application, listen } from './listen.ts'

declare module 'express-session' {
  interface SessionData {
    userId: string
    name: string
  }
}

const SECRET = 'a secret of your own'

export async function startExpressSession(port: number): Promise<Application> {
  const app = express()
  const store = new MemoryStore() // in production one that your processes share
  app.use(session({ secret: SECRET, store, resave: false, saveUninitialized: false }))
  app.post('/sign-in/:name', (request, response) => {
    const { name } = request.params
    Object.assign(request.session, { userId: name.toLowerCase(), name })
    response.end() // after a check of the password
  })
  app.post('/sign-out', (request, response) => {
    const { userId } = request.session
    request.session.destroy(() => {
      if (userId !== undefined) void roomful.disconnectUser(userId)
      response.end()
    })
  })

  const getSession = promisify(store.get.bind(store)) as (id: string) => Promise<SessionData | null | undefined>
  const roomful = createRoomful({
    data: ':memory:',
    async authenticate({ headers }) {
      const [, signed = ''] = /(?:^|; )connect\.sid=s%3A([^;]+)/.exec(String(headers.cookie)) ?? []
      const id = unsign(decodeURIComponent(signed), SECRET)
      const found = id === false ? undefined : await getSession(id)
      return found?.userId === undefined ? undefined : { sub: found.userId, name: found.name }
    },
  })
  roomful.chat(roomful.namespace('/chat'))
  return await listen(createServer(app), roomful, port)
}
