/** What browsers say about the page behind a request, on every path of a real server. */

import { request } from 'node:http'
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { type CreateOptions, createRoomful, type Observer } from '../../src/index.ts'

const NAMED = 'https://app.example'
const PATHS = [
  '/socket.io/?EIO=4&transport=polling',
  '/sse/public?room=a&name=Ann',
  '/poll/public?room=a&name=Ann',
  '/link/sse',
  '/api/status',
]
const POSTS = ['/send/public?name=Ann', '/link/poll', '/link/send', '/api/session', '/api/tickets']
const UPGRADES = ['/ws/public', '/ws', '/ws/echo', '/socket.io/?EIO=4&transport=websocket']
/** Those that connect by being asked for. */
const LINKS = PATHS.filter((path) => path !== '/api/status')

async function serve(options: CreateOptions = {}, host = '127.0.0.1') {
  const facts: Parameters<Observer['observe']>[0][] = []
  const observer: Observer = { observe: (fact) => facts.push(fact) }
  const roomful = createRoomful({ data: ':memory:', observer, ...options }).standardNamespaces()
  onTestFinished(() => roomful.close())
  const { port } = await roomful.listen({ port: 0, host })
  const refused = () => facts.flatMap((fact) => (fact.type === 'page:refused' ? [fact.reason] : []))
  const notices = () => facts.flatMap((fact) => (fact.type === 'notice' && fact.isRisky ? [fact.message] : []))
  return { roomful, port, refused, notices }
}

interface Head {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** With headers that `fetch` keeps for itself; the body of the answer is cut. */
function ask(port: number, path: string, headers: Record<string, string>, method = 'GET'): Promise<Head> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers: { connection: 'close', ...headers } })
    asked.on('response', (response) => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers })
      response.destroy()
    })
    asked.on('error', reject).end()
  })
}

/** @returns 101, or the status of the refusal */
function upgrade(port: number, path: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers })
  return new Promise((resolve) => {
    socket.on('error', () => undefined)
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
    socket.on('open', () => {
      resolve(101)
      socket.terminate()
    })
  })
}

describe('[C19] [R6] [X16] a page of a named origin', () => {
  it.each(PATHS)('reads %s with credentials', async (path) => {
    const { port } = await serve({ corsOrigin: [NAMED, 'capacitor://localhost'] })
    for (const origin of [NAMED, 'capacitor://localhost']) {
      const { status, headers } = await ask(port, path, { origin })
      expect(status).toBe(200)
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'Retry-After',
        vary: 'Origin',
      })
    }
  })

  it.each([...PATHS, ...POSTS])('may send headers of its own to %s', async (path) => {
    const { port } = await serve({ corsOrigin: [NAMED] })
    const preflight = {
      origin: NAMED,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization,cache-control, X-Tenant,x-requested-with,not a name,<x>',
    }
    const { status, headers } = await ask(port, path, preflight, 'OPTIONS')
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': NAMED,
      'access-control-allow-credentials': 'true',
      'access-control-allow-headers':
        'Authorization, Content-Type, Last-Event-ID, cache-control, X-Tenant, x-requested-with',
      'access-control-allow-methods': 'GET, POST',
      vary: 'Origin, Access-Control-Request-Headers',
    })
  })

  it('reads refusals too', async () => {
    const { port } = await serve({ corsOrigin: [NAMED] })
    const read = { 'access-control-allow-origin': NAMED, 'access-control-allow-credentials': 'true' }
    for (const path of [
      '/poll?room=a',
      '/socket.io/?EIO=4&transport=none',
      '/api/rooms',
      '/poll/public?room=a&after=x',
    ]) {
      const { status, headers } = await ask(port, path, { origin: NAMED })
      expect(status, path).toBeGreaterThanOrEqual(400)
      expect(headers, path).toMatchObject(read)
    }
  })

  it('is let in by every upgrade, whatever its scheme', async () => {
    const { port } = await serve({ corsOrigin: ['tauri://localhost', 'moz-extension://*'] })
    for (const path of UPGRADES) {
      for (const origin of ['tauri://localhost', 'moz-extension://0b1f6ad0-7c1b-4c06-9d4b-6c8e6d1e9a55']) {
        expect(await upgrade(port, path, { origin }), `${path} ${origin}`).toBe(101)
      }
      expect(await upgrade(port, path, { origin: 'capacitor://localhost' }), path).toBe(403)
    }
  })
})

describe('[C19] [R6] [X16] any origin', () => {
  it('has application schemes in it, no `null`, and no credentials', async () => {
    const { port, refused } = await serve({ corsOrigin: ['*'] })
    for (const path of PATHS) {
      for (const origin of ['https://other.example', 'capacitor://localhost', 'chrome-extension://abc']) {
        const { status, headers } = await ask(port, path, { origin })
        expect(status, path).toBe(200)
        expect(headers['access-control-allow-origin'], path).toBe(origin)
        expect(headers['access-control-allow-credentials'], path).toBeUndefined()
      }
      const { status, headers } = await ask(port, path, { origin: 'null' })
      expect([status, headers['access-control-allow-origin'], headers.vary], path).toEqual([403, undefined, 'Origin'])
    }
    for (const path of UPGRADES) {
      expect(await upgrade(port, path, { origin: 'ionic://localhost' }), path).toBe(101)
      expect(await upgrade(port, path, { origin: 'null' }), path).toBe(403)
    }
    expect(refused()).toEqual(Array(PATHS.length + UPGRADES.length).fill('origin'))
  })
})

describe('[R6] [X17] a page whose name was pointed at this machine', () => {
  const rebound = { host: 'evil.example:8080', origin: 'http://evil.example:8080' }

  it('is refused on every path, with and without an Origin', async () => {
    const { port, refused, roomful } = await serve()
    for (const path of PATHS) {
      expect((await ask(port, path, rebound)).status, path).toBe(403)
      expect((await ask(port, path, { host: rebound.host })).status, path).toBe(403)
    }
    for (const path of POSTS) expect((await ask(port, path, rebound, 'POST')).status, path).toBe(403)
    for (const path of UPGRADES) expect(await upgrade(port, path, rebound), path).toBe(403)
    expect(new Set(refused())).toEqual(new Set(['host']))
    expect(hubOf(roomful).links.open.size).toBe(0)
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(metrics).toContain(`roomful_pages_refused_total{reason="host"} ${refused().length}`)
  })

  it.each(['localhost', 'api.localhost', '127.0.0.1', '[::1]', '192.168.1.7'])('is not one of %s', async (host) => {
    const { port } = await serve()
    expect((await ask(port, '/poll/public?name=Ann', { host: `${host}:${port}` })).status).toBe(200)
    expect(await upgrade(port, '/ws/public', { host: `${host}:${port}`, origin: `http://${host}:${port}` })).toBe(101)
  })

  it.each<[string, CreateOptions, string]>([
    ['a named host', { hosts: ['app.example'] }, 'app.example'],
    ['a host below a named one', { hosts: ['*.app.example'] }, 'x.app.example'],
    ['the host of an allowed origin', { corsOrigin: [NAMED] }, 'app.example'],
    ['what a trusted proxy forwards', { trustProxy: 1 }, 'app.example'],
  ])('is not %s', async (_, options, host) => {
    const { port } = await serve(options)
    expect((await ask(port, '/poll/public?name=Ann', { host })).status).toBe(200)
    expect(await upgrade(port, '/ws/public', { host, origin: `https://${host}` })).toBe(101)
  })

  it('is not looked for on a server of every network, unless names were given', async () => {
    const open = await serve({}, '0.0.0.0')
    expect((await ask(open.port, '/api/status', rebound)).status).toBe(200)
    const named = await serve({ hosts: ['app.example'], trustProxy: 1 }, '0.0.0.0')
    expect((await ask(named.port, '/api/status', rebound)).status).toBe(403)
    expect((await ask(named.port, '/api/status', { host: 'app.example' })).status).toBe(200)
  })
})

describe('[R6] [X18] a page of another site that sends no Origin', () => {
  it.each(['cross-site', 'same-site'])('connects by nothing that it can embed or link to (%s)', async (site) => {
    const { port, refused, roomful } = await serve()
    for (const mode of ['no-cors', 'navigate', 'cors']) {
      for (const path of LINKS) {
        const { status } = await ask(port, path, { 'sec-fetch-site': site, 'sec-fetch-mode': mode })
        expect(status, `${mode} ${path}`).toBe(403)
      }
    }
    expect(await upgrade(port, '/ws/public', { 'sec-fetch-site': site, 'sec-fetch-mode': 'websocket' })).toBe(403)
    expect(new Set(refused())).toEqual(new Set(['cross-site']))
    expect(hubOf(roomful).links.open.size).toBe(0)
  })

  it('links to what is only read', async () => {
    const { port } = await serve()
    const linked = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    const embedded = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
    for (const path of ['/client.html', '/health', '/api/openapi.json']) {
      expect((await ask(port, path, linked)).status, path).toBe(200)
      expect((await ask(port, path, embedded)).status, path).toBe(403)
    }
  })

  it('is no page of this site, and not what people type', async () => {
    const { port } = await serve()
    for (const site of ['same-origin', 'none']) {
      for (const path of LINKS) expect((await ask(port, path, { 'sec-fetch-site': site })).status, path).toBe(200)
    }
  })
})

describe('[R6] [X19] a proxy that is not trusted', () => {
  it('is warned of once', async () => {
    const { port, notices } = await serve({ jwtSecret: 'a-secret-of-more-than-thirty-two-bytes' })
    await ask(port, '/poll/public?name=Ann', {})
    expect(notices()).toEqual([])
    for (let i = 0; i < 3; i++) await ask(port, '/poll/public?name=Ann', { 'x-forwarded-for': '203.0.113.9' })
    await upgrade(port, '/ws/public', { forwarded: 'for=203.0.113.9' })
    expect(notices()).toEqual([expect.stringContaining('Set TRUST_PROXY=127.0.0.1 if the proxy is yours')])
  })
})
