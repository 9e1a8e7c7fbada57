/** curl --http2 offers HTTP/2 with every request without TLS. Answered over HTTP/1.1, it goes on with that. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { createRoomful } from '@roomful/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { Server, UNLIMITED } from './lib/server.ts'

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('curl', [
    '--silent',
    '--show-error',
    '--max-time',
    '5',
    '--http2',
    ...args,
  ])
  return stdout
}

const SEND = ['--data', '{"type":"chat:message","roomId":"lobby","content":"hello"}']

let alone: Server
beforeAll(async () => {
  alone = await Server.start({ env: UNLIMITED })
})
afterAll(() => alone.dispose())

it('[P7] curl --http2 is answered by a server of its own, several times over one connection', async () => {
  const url = `http://127.0.0.1:${alone.port}`
  expect(await curl(`${url}/health`, `${url}/api/status`)).toMatch(/"status":"ok".*"status":"online"/s)
  expect(await curl(...SEND, `${url}/send/public?name=Ann`)).toContain('"status":"ok"')
  expect(await curl(`${url}/socket.io/?EIO=4&transport=polling`)).toContain('"sid"')
})

describe('[P7] attached, curl --http2', () => {
  it.each([false, true])(
    'is answered by Roomful and by the application (with another WebSocket server: %s)',
    async (hasOther) => {
      const server = createServer((request, response) => {
        let body = ''
        request.on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
        request.on('end', () => response.end(`application ${request.method} ${body}`))
      })
      await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces().attach(server)
      if (hasOther) new WebSocketServer({ server, path: '/graphql' })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      expect(await curl(`${url}/health`)).toContain('"status":"ok"')
      expect(await curl(...SEND, `${url}/send/public?name=Ann`)).toContain('"status":"ok"')
      expect(await curl(`${url}/mine`)).toBe('application GET ')
      expect(await curl('--data', 'hello', `${url}/mine`)).toBe('application POST hello')
      await roomful.close()
      server.close()
    },
  )
})
