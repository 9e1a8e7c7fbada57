/** Whatever a bad token is and however it is shown, it opens nothing and nothing is leaked; nor does a foreign page. R5, R6. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { badTokens } from '../../packages/server/test/auth/bad-tokens.ts'
import { dial } from './lib/client.ts'
import { ENTRY_POINTS } from './lib/entry-points.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { SECRET, token } from './lib/token.ts'

const PARTIES = { aud: 'roomful-tests', iss: 'https://issuer.example' }
const GOOD = { sub: 'mallory', name: 'Mallory', ...PARTIES }
const AT_ONCE = 20

/** What says “you did not prove who you are”, and nothing else. */
const REFUSALS: ReadonlySet<number | string> = new Set([4001, 1008, 401, 'TOKEN_INVALID', 'TOKEN_EXPIRED'])

let server: Server
beforeAll(async () => {
  const env = { ...UNLIMITED, ROOMFUL_JWT_AUDIENCE: PARTIES.aud, ROOMFUL_JWT_ISSUER: PARTIES.iss }
  server = await Server.start({ env })
})
afterAll(() => server?.dispose())

describe('[R5] [A2.3] [B31] a bad token', () => {
  const nowS = Math.floor(Date.now() / 1_000)
  // What is not good for another second is good by the time it is tried: this server's clock is the real one.
  const corpus = badTokens(SECRET, GOOD, nowS).filter(({ name }) => name !== `nbf ${nowS + 1}`)

  it.each(ENTRY_POINTS)(
    'opens nothing by way of $name, and a good one does',
    async ({ attempt, carries = () => true }) => {
      expect(await attempt(server, token(GOOD))).toMatchObject({ isIn: true })
      const tried = corpus.filter(({ token }) => token !== '' && carries(token))
      expect(tried.length).toBeGreaterThan(100)
      for (let at = 0; at < tried.length; at += AT_ONCE) {
        await Promise.all(
          tried.slice(at, at + AT_ONCE).map(async ({ name, token }) => {
            const { isIn, code, sentence } = await attempt(server, token)
            expect(isIn, name).toBe(false)
            expect(REFUSALS.has(code), `${name}: ${code} ${sentence}`).toBe(true)
            expect(sentence, name).not.toContain(SECRET)
            expect(sentence, name).not.toMatch(/node_modules|\.ts:\d/)
          }),
        )
      }
    },
  )
})

describe('[R6] [C19] a page of another site', () => {
  const FOREIGN = ['https://evil.example', 'null', 'http://localhost.evil.example', 'file://']
  const UPGRADES = ['/ws', '/ws/public', '/', '/socket.io/?EIO=4&transport=websocket']
  const REQUESTS: readonly (readonly [path: string, method: string])[] = [
    ['/socket.io/?EIO=4&transport=polling', 'GET'],
    ['/sse/public?room=a', 'GET'],
    ['/poll/public?room=a', 'GET'],
    ['/send/public', 'POST'],
    ['/api/session', 'POST'],
    ['/api/tickets', 'POST'],
    ['/api/rooms', 'GET'],
  ]

  it.each(UPGRADES)('is refused before the upgrade on %s', async (path) => {
    for (const origin of FOREIGN) {
      const client = dial(server, path, { origin })
      const status = await new Promise((resolve) => {
        client.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
        client.socket.on('open', () => resolve(101))
      })
      expect(status, origin).toBe(403)
      client.socket.terminate()
    }
  })

  it.each(REQUESTS)('is refused on %s, and may not read the answer', async (path, method) => {
    for (const origin of FOREIGN) {
      const response = await fetch(server.http + path, { method, headers: { origin } })
      expect(response.status, origin).toBe(403)
      expect(response.headers.get('access-control-allow-origin'), origin).toBeNull()
      await response.body?.cancel()
    }
  })
})
