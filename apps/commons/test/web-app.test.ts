/** The web app's files on the server's port: kept as long as they may be, never in the way of the server's own paths. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRoomful } from '@roomful/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveWebApp } from '../server/web-app.ts'

const PAGE = '<!doctype html><script nonce="__NONCE__">1</script>'
const HTML = { accept: 'text/html,application/xhtml+xml' }

describe('the web app on the server', () => {
  let folder: string
  let url: string
  const roomful = createRoomful({ data: ':memory:', jwtSecret: 'x'.repeat(32) }).standardNamespaces()

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'web-app-'))
    await mkdir(join(folder, 'assets'))
    await writeFile(join(folder, 'index.html'), PAGE)
    await writeFile(join(folder, 'icon.svg'), '<svg/>')
    await writeFile(join(folder, 'assets/app-1a2b.js'), 'console.log(1)\n'.repeat(200))
    serveWebApp(roomful.server, folder)
    url = (await roomful.listen({ port: 0 })).url
  })
  afterAll(async () => {
    await roomful.close()
    await rm(folder, { recursive: true })
  })

  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(url + path, { headers })

  it.each(['/', '/rooms/lobby', '/shop/a%20b'])(
    '[C19] %s is the page, under a policy and with a nonce of its own',
    async (path) => {
      const [one, other] = [await get(path, HTML), await get(path, HTML)]
      expect(one.status).toBe(200)
      expect(one.headers.get('cache-control')).toBe('no-store')
      const policy = one.headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toContain('unsafe')
      const [, nonce = ''] = /script-src 'self' 'nonce-([^']+)'/.exec(policy) ?? []
      expect(await one.text()).toBe(PAGE.replace('__NONCE__', nonce))
      expect(other.headers.get('content-security-policy')).not.toBe(policy)
    },
  )

  it('a file with a hash in its name is kept for ever, packed for who can unpack', async () => {
    const plain = await get('/assets/app-1a2b.js', { 'accept-encoding': 'identity' })
    expect(plain.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(plain.headers.get('content-type')).toContain('text/javascript')
    expect(plain.headers.get('content-encoding')).toBeNull()
    const text = await plain.text()
    for (const encoding of ['br', 'gzip']) {
      const packed = await get('/assets/app-1a2b.js', { 'accept-encoding': encoding })
      expect(packed.headers.get('content-encoding')).toBe(encoding)
      expect(await packed.text()).toBe(text)
    }
  })

  it('any other file is asked for again, and answered 304 when it is the same', async () => {
    const first = await get('/icon.svg')
    expect(first.headers.get('cache-control')).toBe('no-cache')
    const again = await get('/icon.svg', { 'if-none-match': first.headers.get('etag') ?? '' })
    expect(again.status).toBe(304)
  })

  it.each([
    ['/health', 200],
    ['/client.html', 200],
    ['/api/rooms', 401],
    ['/ws', 426],
    ['/socket.io/', 400],
  ])('%s stays the server’s own', async (path, status) => {
    const response = await get(path, HTML)
    expect(response.status).toBe(status)
    expect(await response.text()).not.toContain('nonce')
  })

  it.each([
    ['a file that is not there', '/assets/gone-0000.js', HTML],
    ['an unknown path of the API', '/api/nothing', HTML],
    ['a place, asked for by a program', '/rooms/lobby', {}],
    ['a path out of the folder', '/assets/%2e%2e/%2e%2e/package.json', HTML],
  ])('%s is 404 and no page', async (_what, path, headers) => {
    const response = await get(path, headers)
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'NOT_FOUND' } })
  })

  it('takes nothing but reading', async () => {
    const response = await fetch(`${url}/`, { method: 'POST', headers: HTML, body: 'x' })
    expect(response.status).toBe(404)
    expect((await fetch(`${url}/`, { method: 'HEAD' })).status).toBe(200)
  })
})

it('without a build, the root still leads to the test client', async () => {
  const roomful = createRoomful({ data: ':memory:', jwtSecret: 'x'.repeat(32) }).standardNamespaces()
  serveWebApp(roomful.server, join(tmpdir(), 'there-is-no-such-folder'))
  const { url } = await roomful.listen({ port: 0 })
  const response = await fetch(url, { redirect: 'manual' })
  expect(response.status).toBe(302)
  expect(response.headers.get('location')).toBe('/client.html')
  await roomful.close()
})
