/** The two applications of docs/identity.md, with the SDK and the cookies of users who signed in and out. D19. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Client, connect } from '@roomful/client'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { startBetterAuth } from './better-auth.ts'
import { startExpressSession } from './express-session.ts'
import type { Application } from './listen.ts'

let application: Application | undefined
const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await application?.close()
})

/** A client that sends a cookie, as a browser does by itself. */
function connectWith(cookie: string): Client {
  const client = connect((application as Application).url, {
    namespace: '/chat',
    transports: ['websocket'],
    WebSocket: class extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(url, protocols, { headers: { cookie } })
      }
    },
  })
  clients.push(client)
  return client
}

const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ')

async function expectUser(client: Client, user: object): Promise<void> {
  await vi.waitFor(() => expect(client.state).toMatchObject({ status: 'open', user }), { timeout: 8_000 })
  expect(await client.room('lobby').send('Hello')).toMatchObject({ status: 'ok' })
}

it('[D19] express-session: its users are known by their cookie, and out when they sign out', async () => {
  application = await startExpressSession(0)
  const { url } = application
  const post = (path: string, cookie = '') => fetch(url + path, { method: 'POST', headers: { cookie } })
  const cookie = cookieOf(await post('/sign-in/Ann'))
  const ann = connectWith(cookie)
  await expectUser(ann, { sub: 'ann', name: 'Ann' })
  const forged = connectWith(cookie.replace(/\.(.)/, (_, first) => `.${first === 'a' ? 'b' : 'a'}`))
  await vi.waitFor(() => expect(forged.state).toMatchObject({ status: 'closed', ending: { code: 4001 } }), {
    timeout: 8_000,
  })
  await post('/sign-out', cookie)
  await vi.waitFor(() => expect(ann.state).toMatchObject({ status: 'closed', ending: { code: 4009 } }), {
    timeout: 8_000,
  })
  const late = connectWith(cookie)
  await vi.waitFor(() => expect(late.state).toMatchObject({ status: 'closed', ending: { code: 4001 } }), {
    timeout: 8_000,
  })
})

it('[D19] better-auth: its users are known by their cookie, and not any more when they signed out', async () => {
  application = await startBetterAuth(await freePort())
  const { url } = application
  const post = (path: string, body: object, cookie = '') =>
    fetch(`${url}/api/auth/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url, cookie },
      body: JSON.stringify(body),
    })
  const who = { email: 'ann@example.org', password: 'a long enough password', name: 'Ann' }
  const signedUp = await post('sign-up/email', who)
  const { user } = (await signedUp.json()) as { user: { id: string } }
  const cookie = cookieOf(signedUp)
  await expectUser(connectWith(cookie), { sub: user.id, name: 'Ann' })
  await post('sign-out', {}, cookie)
  const late = connectWith(cookie)
  await vi.waitFor(() => expect(late.state).toMatchObject({ status: 'closed', ending: { code: 4001 } }), {
    timeout: 8_000,
  })
})

/** better-auth has to know its address before it listens. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
