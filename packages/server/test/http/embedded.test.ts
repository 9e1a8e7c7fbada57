import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { createRoomful } from '../../src/index.ts'

it('[B15] inside an application it answers its own paths, and the application the others', async () => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.end('application')
  })
  const roomful = createRoomful({ data: ':memory:', jwtSecret: 'x'.repeat(32) }).standardNamespaces()
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
