import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createRoomful } from '../../src/index.ts'
import { hmacToken } from '../auth/bad-tokens.ts'

const SECRET = 'a-secret-of-more-than-thirty-two-bytes'

it('[B15] inside an application it answers its own paths, and the application the others', async () => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.end('application')
  })
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET }).standardNamespaces()
  roomful.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const text = async (path: string) => await (await fetch(base + path)).text()
  try {
    expect(await text('/api/status')).toBe('{"status":"online"}')
    for (const path of ['/', '/api/mine', '/health/', '/wsx', '/api/rooms/a/b'])
      expect(await text(path)).toBe('application')
    expect(seen).toEqual(['/', '/api/mine', '/health/', '/wsx', '/api/rooms/a/b'])
  } finally {
    await roomful.close()
    expect(await text('/health')).toBe('application')
    server.closeAllConnections()
    server.close()
  }
})

it('[C12] who reads rooms faster than the rate is told when to go on', async () => {
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, port: 0, ratePerSecond: 3 }).standardNamespaces()
  const { url } = await roomful.listen()
  const headers = { authorization: `Bearer ${hmacToken(SECRET, { sub: 'alice' })}` }
  try {
    const answers = await Promise.all(Array.from({ length: 5 }, () => fetch(`${url}/api/rooms`, { headers })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429])
    expect(answers.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1')
  } finally {
    await roomful.close()
  }
})
