/** Cross-site WebSocket hijacking: which pages may talk to the server. PROTOCOL.md 12, C19. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RawClient } from './lib/raw.ts'
import { Server, UNLIMITED } from './lib/server.ts'

let server: Server
let strict: Server
beforeAll(async () => {
  ;[server, strict] = await Promise.all([
    Server.start({ env: UNLIMITED }),
    Server.start({ env: { ...UNLIMITED, CORS_ORIGIN: 'https://app.example.com' } }),
  ])
})
afterAll(() => Promise.all([server.dispose(), strict.dispose()]))

async function upgrade(target: Server, origin: string | undefined, path = '/ws/public'): Promise<number> {
  const raw = new RawClient(target.port)
  const status = await raw.handshake(path, origin === undefined ? {} : { Origin: origin })
  raw.destroy()
  return status
}

describe.each(['/ws', '/ws/public', '/ws/admin', '/ws/echo', '/'])('[C19] upgrade on %s', (path) => {
  it('[C19] passes without an Origin, from the same origin and from this machine', async () => {
    expect(await upgrade(server, undefined, path)).toBe(101)
    expect(await upgrade(server, `http://127.0.0.1:${server.port}`, path)).toBe(101)
    expect(await upgrade(server, 'http://localhost:5173', path)).toBe(101)
    expect(await upgrade(server, 'http://localhost', path)).toBe(101)
    for (const origin of ['https://localhost:5173', 'http://127.0.0.1:1', 'https://127.0.0.1', 'http://[::1]:3000']) {
      expect(await upgrade(server, origin, path), origin).toBe(101)
    }
  })

  it.each([
    'https://evil.example',
    'null',
    'http://localhost.evil.example',
    'http://localhost:1.evil.example',
    'http://localhost@evil.example',
    'http://notlocalhost:5173',
    'capacitor://localhost',
    'file://',
    'rubbish',
    `http://127.0.0.1.evil.example`,
  ])('[C19] refuses Origin %s with 403 before the upgrade', async (origin) => {
    expect(await upgrade(server, origin, path)).toBe(403)
  })
})

it('[C19] CORS_ORIGIN lets its origin in, exactly', async () => {
  expect(await upgrade(strict, 'https://app.example.com')).toBe(101)
  for (const near of [
    'http://app.example.com',
    'https://app.example.com.evil.example',
    'https://app.example.com:444',
    'https://xapp.example.com',
  ]) {
    expect(await upgrade(strict, near), near).toBe(403)
  }
})

it('[C19] HTTP refuses the same origins and answers a preflight for the good ones', async () => {
  for (const path of ['/api/session', '/api/tickets', '/api/users']) {
    const foreign = await server.post(path, {}, { origin: 'https://evil.example' })
    expect(foreign.status, path).toBe(403)
  }
  const preflight = async (origin: string): Promise<Response> =>
    await fetch(`${server.http}/api/session`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, authorization',
      },
    })
  const good = await preflight('http://localhost:5173')
  expect(good.status).toBeLessThan(300)
  expect(good.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  expect(good.headers.get('access-control-allow-methods')).toMatch(/GET.*POST/)
  expect(good.headers.get('access-control-allow-headers')).toMatch(/authorization/i)
  expect(good.headers.get('vary')).toMatch(/origin/i)
  const bad = await preflight('https://evil.example')
  expect(bad.headers.get('access-control-allow-origin')).toBeNull()
})

it('[C19] an answer to a good origin says so, to another it does not', async () => {
  const good = await server.get('/api/status', { origin: 'http://localhost:5173' })
  expect(good.headers.get('access-control-allow-origin')).toBe('http://localhost:5173')
  expect((await good.json()) as unknown).toEqual({ status: 'online' })
})
