import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from '@roomful/client'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
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

it('[B15] in a framework that only hands on requests and upgrades, both are answered or left untouched', async () => {
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET }).standardNamespaces()
  const server = createServer((request, response) => {
    if (!roomful.handleRequest(request, response)) response.end(`application ${request.url}`)
  })
  const refused: (string | undefined)[] = []
  server.on('upgrade', (request, socket, head) => {
    if (roomful.handleUpgrade(request, socket, head)) return
    refused.push(request.url)
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const base = `127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    expect(await (await fetch(`http://${base}/mine?a=1`)).text()).toBe('application /mine?a=1')
    expect(await (await fetch(`http://${base}/api/status`)).text()).toBe('{"status":"online"}')
    const client = connect(`http://${base}`, { namespace: '/public', name: 'Ann' })
    expect((await client.room('lobby').send('Hello')).seq).toBe(1)
    client.close()
    const other = new WebSocket(`ws://${base}/elsewhere`)
    await expect(once(other, 'open')).rejects.toThrow(/400/)
    expect(refused).toEqual(['/elsewhere'])
  } finally {
    await roomful.close()
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
