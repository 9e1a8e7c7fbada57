/** Requests that a client rarely writes and a proxy or an attacker does: versions, Host headers, targets, offers, expectations. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect as dial } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRoomful, type Roomful } from '../../src/index.ts'

let roomful: Roomful
let application: Server
const ports = { alone: 0, attached: 0 }

async function attached(): Promise<number> {
  application = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on('end', () => response.end(`application ${request.method} ${request.url} ${body}`))
  })
  roomful.attach(application)
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  return (application.address() as AddressInfo).port
}

beforeAll(async () => {
  roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
  ports.alone = (await roomful.listen({ port: 0 })).port
  ports.attached = await attached()
})
afterAll(async () => {
  await roomful.close()
  application.close()
})

/** What comes back for these bytes until the server hangs up. */
function exchange(port: number, ...lines: string[]): Promise<string> {
  const socket = dial({ host: '127.0.0.1', port })
  socket.write(lines.join('\r\n'))
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

const OFFER = ['Connection: Upgrade, HTTP2-Settings, close', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA']
const WEBSOCKET = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']

describe.each(['alone', 'attached'] as const)('[P7] an offer of HTTP/2 (%s) is answered as HTTP/1.1', (how) => {
  const ask = (...lines: string[]) => exchange(ports[how], ...lines)

  it('on Roomful’s paths, with a body too', async () => {
    expect(await ask('GET /health HTTP/1.1', 'Host: x', ...OFFER, '', '')).toMatch(/^HTTP\/1\.1 200 .*"status":"ok"/s)
    const body = '{"type":"chat:message","roomId":"lobby","content":"hello"}'
    const length = `Content-Length: ${body.length}`
    const sent = await ask('POST /send/public?name=Ann HTTP/1.1', 'Host: x', length, ...OFFER, '', body)
    expect(sent).toMatch(/^HTTP\/1\.1 200 .*"status":"ok".*"seq":/s)
    expect(await ask('GET /socket.io/?EIO=4&transport=polling HTTP/1.1', 'Host: x', ...OFFER, '', '')).toMatch(
      /^HTTP\/1\.1 200 .*"upgrades":\["websocket"\]/s,
    )
    expect(await ask('GET /ws HTTP/1.1', 'Host: x', ...OFFER, '', '')).toMatch(/^HTTP\/1\.1 426 /)
    const poll = await ask('GET /poll/public?room=a&name=Ben HTTP/1.1', 'Host: x', ...OFFER, '', '')
    expect(poll).toMatch(/^HTTP\/1\.1 200 .*"cursor":/s)
  })

  if (how === 'attached')
    it('on the application’s own', async () => {
      const answer = await ask('POST /mine HTTP/1.1', 'Host: x', 'Content-Length: 5', ...OFFER, '', 'hello')
      expect(answer).toMatch(/^HTTP\/1\.1 200 .*application POST \/mine hello/s)
    })
})

describe.each(['alone', 'attached'] as const)('[P8] a request (%s)', (how) => {
  const ask = (...lines: string[]) => exchange(ports[how], ...lines)

  it('with two Host headers is 400, over HTTP and as an upgrade', async () => {
    const two = ['Host: a', 'Host: b']
    expect(await ask('GET /health HTTP/1.1', ...two, '', '')).toMatch(/^HTTP\/1\.1 400 .*INVALID_MESSAGE/s)
    expect(await ask('GET /socket.io/?EIO=4&transport=polling HTTP/1.1', ...two, '', '')).toMatch(/^HTTP\/1\.1 400 /)
    for (const path of ['/ws/public', '/socket.io/?EIO=4&transport=websocket']) {
      expect(await ask(`GET ${path} HTTP/1.1`, ...two, 'Connection: Upgrade', ...WEBSOCKET, '', '')).toMatch(
        /^HTTP\/1\.1 400 /,
      )
    }
  })

  it('of a version that this is not is 505', async () => {
    for (const line of ['GET /health', 'GET /health HTTP/0.9', 'GET /health HTTP/2.0']) {
      expect(await ask(line, '', '')).toMatch(/^HTTP\/1\.1 505 .*Connection: close/s)
    }
    expect(await ask('GET /health HTTP/1.0', '', '')).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('of HTTP/1.0 upgrades to nothing', async () => {
    expect(await ask('GET /ws/public HTTP/1.0', 'Connection: Upgrade', ...WEBSOCKET, '', '')).toMatch(
      /^HTTP\/1\.1 426 /,
    )
  })

  it('may name its target with scheme and host', async () => {
    const close = ['Host: x', 'Connection: close', '', '']
    expect(await ask('GET http://x/health HTTP/1.1', ...close)).toMatch(/^HTTP\/1\.1 200 .*"status":"ok"/s)
    expect(await ask('GET http://x/rooms HTTP/1.1', ...close)).toMatch(
      how === 'alone' ? /^HTTP\/1\.1 404 / : /application GET http:\/\/x\/rooms/,
    )
  })

  it('that would upgrade on // is refused, and does not fail', async () => {
    for (const path of ['//', '//ws', '/ws//', '///']) {
      const answer = await ask(`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: Upgrade, close', ...WEBSOCKET, '', '')
      expect(answer, path).toMatch(how === 'alone' || path === '/ws//' ? /^HTTP\/1\.1 404 / : /application GET \/\//)
    }
  })
})

describe.each(['alone', 'attached'] as const)('[P9] a body that waits to be asked for (%s)', (how) => {
  const ask = (...lines: string[]) => exchange(ports[how], ...lines)
  const waiting = (length: number) => ['Host: x', 'Expect: 100-continue', `Content-Length: ${length}`]

  it('is not asked for when it is too large, or would not be read', async () => {
    for (const path of ['/send/public?name=Ann', '/api/users', '/link/send', '/link/poll']) {
      const answer = await ask(`POST ${path} HTTP/1.1`, ...waiting(50_000_000), '', '')
      expect(answer, path).toMatch(/^HTTP\/1\.1 413 .*Connection: close.*TOO_LARGE/s)
    }
    expect(await ask('POST /health HTTP/1.1', ...waiting(10), '', '')).toMatch(/^HTTP\/1\.1 405 /)
    expect(await ask('POST /send HTTP/1.1', ...waiting(10), '', '')).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('of a Socket.IO session neither', async () => {
    const opened = await (await fetch(`http://127.0.0.1:${ports[how]}/socket.io/?EIO=4&transport=polling`)).text()
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string }
    const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}`
    expect(await ask(`POST ${path} HTTP/1.1`, ...waiting(50_000_000), '', '')).toMatch(/^HTTP\/1\.1 413 /)
  })

  it('is asked for when it is wanted', async () => {
    const body = '{"type":"chat:message","roomId":"lobby","content":"hello"}'
    const head = ['POST /send/public?name=Ann HTTP/1.1', ...waiting(body.length), 'Connection: close']
    expect(await ask(...head, '', body)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*"seq":/s)
  })

  if (how === 'attached')
    it('of the application is asked for as before', async () => {
      const answer = await ask('POST /mine HTTP/1.1', ...waiting(5), 'Connection: close', '', 'hello')
      expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 .*application POST \/mine hello/s)
    })
})

it('[P7] a request is read again without its offer where Node did not ask whether to upgrade', async () => {
  const server = createServer((request, response) => response.end(`application ${JSON.stringify(request.rawHeaders)}`))
  const shared = createRoomful({ data: ':memory:' }).standardNamespaces().attach(server)
  // Before Node 24.9 every offer that a listener waits for took the connection away from the HTTP side.
  Object.assign(server, { shouldUpgradeCallback: () => true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    expect(await exchange(port, 'GET /health HTTP/1.1', 'Host: x', ...OFFER, '', '')).toMatch(/"status":"ok"/)
    const mine = await exchange(port, 'GET /mine HTTP/1.1', 'Host: x', 'X-Mine: a, b', ...OFFER, '', '')
    expect(mine).toMatch(/application \["Host","x","X-Mine","a, b","Connection","close"\]$/)
  } finally {
    await shared.close()
    server.close()
  }
})
