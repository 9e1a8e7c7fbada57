/** An HTTP server that others serve from too: what is Roomful's reaches Roomful alone, and what is not reaches the others as it came. */
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createRoomful, type Roomful } from '../../src/index.ts'

function makeRoomful(prepare: (roomful: Roomful) => void = (roomful) => void roomful.standardNamespaces()): Roomful {
  const roomful = createRoomful({ data: ':memory:' })
  prepare(roomful)
  onTestFinished(() => roomful.close())
  return roomful
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The first message of a WebSocket, or the status of the refusal. */
function firstMessage(url: string, protocols: string[] = [], headers: Record<string, string> = {}): Promise<unknown> {
  const socket = new WebSocket(url, protocols, { headers })
  onTestFinished(() => socket.terminate())
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => resolve(JSON.parse(data.toString())))
    socket.on('error', reject)
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode))
  })
}

/** Everything that a server answers to these bytes until it hangs up, or `until` is in it. */
function raw(host: string, bytes: string, until?: string): Promise<string> {
  const socket = dial({ host: '127.0.0.1', port: Number(host.split(':')[1]) })
  onTestFinished(() => void socket.destroy())
  socket.write(bytes)
  return new Promise((resolve, reject) => {
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (until !== undefined && text.includes(until)) resolve(text)
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

const upgradeOf = (path: string, protocol = 'websocket'): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: x',
    'Connection: Upgrade',
    `Upgrade: ${protocol}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    '',
    '',
  ].join('\r\n')

const page: RequestListener = (request, response) => response.end(`application ${request.url}`)

describe.each(['before', 'after'])('[P1] a second WebSocket server that was added %s', (when) => {
  it('has its links, and Roomful has its own on every transport', async () => {
    const server = createServer(page)
    const roomful = makeRoomful()
    const add = () => {
      const other = new WebSocketServer({ server, path: '/graphql' })
      other.on('connection', (socket) => socket.send('{"type":"theirs"}'))
    }
    if (when === 'before') add()
    roomful.attach(server)
    if (when === 'after') add()
    const host = await listen(server)
    expect(await firstMessage(`ws://${host}/graphql`)).toEqual({ type: 'theirs' })
    expect(await firstMessage(`ws://${host}/ws/public`)).toMatchObject({ type: 'welcome' })
    const socket = io(`http://${host}/public`, {
      transports: ['websocket'],
      auth: { name: 'Ann' },
      reconnection: false,
    })
    onTestFinished(() => void socket.close())
    await new Promise((resolve, reject) => socket.on('connect', () => resolve(0)).on('connect_error', reject))
    const client = connect(`http://${host}`, { namespace: '/public', name: 'Ben' })
    onTestFinished(() => client.close())
    await expect.poll(() => client.state).toMatchObject({ status: 'open', transport: 'websocket' })
  })

  it('of an application’s whole server has all that Roomful does not', async () => {
    const server = createServer(page)
    const roomful = makeRoomful((roomful) => void roomful.namespace('/tasks', undefined, { guests: true }))
    const seen: (string | undefined)[] = []
    const add = () => {
      const other = new WebSocketServer({ server })
      other.on('connection', (socket, request) => {
        seen.push(request.url)
        socket.send('{"type":"theirs"}')
      })
    }
    if (when === 'before') add()
    roomful.attach(server)
    if (when === 'after') add()
    const host = await listen(server)
    for (const path of ['/', '/live', '/wsx']) {
      expect(await firstMessage(`ws://${host}${path}`)).toEqual({ type: 'theirs' })
    }
    expect(await firstMessage(`ws://${host}/ws/tasks`)).toMatchObject({ type: 'welcome' })
    expect(await firstMessage(`ws://${host}/ws/nowhere`)).toBe(404)
    expect(seen).toEqual(['/', '/live', '/wsx'])
  })
})

describe('[P2] an upgrade on /', () => {
  it('is Roomful’s with a namespace of that name, and one of its subprotocols or none', async () => {
    const server = createServer(page)
    new WebSocketServer({ server, handleProtocols: () => 'reload' }).on('connection', (socket) =>
      socket.send('{"type":"theirs"}'),
    )
    makeRoomful().attach(server)
    const host = await listen(server)
    expect(await firstMessage(`ws://${host}/`, ['reload'])).toEqual({ type: 'theirs' })
    for (const protocols of [[], ['roomful.plain'], ['roomful.v1', 'other']]) {
      expect(await firstMessage(`ws://${host}/`, protocols)).toMatchObject({ type: 'welcome' })
    }
  })

  it('is left to Vite’s reload link', { timeout: 30_000 }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'roomful-vite-'))
    writeFileSync(join(root, 'index.html'), '<script type="module" src="/main.js"></script>')
    writeFileSync(join(root, 'main.js'), 'export {}')
    const roomful = makeRoomful()
    const { createServer: createVite } = await import('vite')
    const vite = await createVite({
      root,
      configFile: false,
      logLevel: 'silent',
      server: { host: '127.0.0.1', port: 0 },
      plugins: [{ name: 'rooms', configureServer: ({ httpServer }) => void roomful.attach(httpServer as Server) }],
    })
    onTestFinished(() => vite.close())
    await vite.listen()
    const host = `127.0.0.1:${((vite.httpServer as Server).address() as AddressInfo).port}`
    const client = await (await fetch(`http://${host}/@vite/client`)).text()
    const token = /wsToken = "([^"]+)"/.exec(client)?.[1] ?? ''
    const headers = { Origin: `http://${host}` }
    for (let i = 0; i < 3; i++) {
      expect(await firstMessage(`ws://${host}/?token=${token}`, ['vite-hmr'], headers)).toEqual({ type: 'connected' })
    }
    expect(await firstMessage(`ws://${host}/ws/public`)).toMatchObject({ type: 'welcome' })
    expect(await raw(host, upgradeOf('/nowhere'))).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('[P3] an upgrade that nobody wants', () => {
  it('goes to the application as the request that it is, where nothing else listens for upgrades', async () => {
    const server = createServer(page)
    makeRoomful().attach(server)
    const host = await listen(server)
    for (const protocol of ['websocket', 'other/1.0']) {
      expect(await raw(host, upgradeOf('/nowhere', protocol), 'nowhere')).toMatch(
        /^HTTP\/1\.1 200 OK.*application \/nowhere/s,
      )
    }
  })

  it('is answered 404 where other listeners leave it alone, and not touched while one of them works on it', async () => {
    const server = createServer(page)
    makeRoomful().attach(server)
    server.on('upgrade', (request, socket) => {
      socket.on('error', () => undefined) // as Vite does to every one
      if (request.url !== '/slow') return
      socket.on('data', () => undefined)
      setTimeout(() => socket.end('HTTP/1.1 101 Theirs\r\n\r\n'), 3_500)
    })
    const host = await listen(server)
    const [unwanted, slow] = await Promise.all([raw(host, upgradeOf('/nowhere')), raw(host, upgradeOf('/slow'))])
    expect(unwanted).toMatch(/^HTTP\/1\.1 404 /)
    expect(slow).toBe('HTTP/1.1 101 Theirs\r\n\r\n')
  })

  it('is 404 on a server of Roomful’s own', async () => {
    const { url } = await makeRoomful((roomful) => void roomful.namespace('/tasks')).listen({ port: 0 })
    const host = url.replace('http://localhost', '127.0.0.1')
    for (const path of ['/', '//', '/nowhere'])
      expect(await raw(host, upgradeOf(path), '\r\n\r\n')).toMatch(/^HTTP\/1\.1 404 /)
  })
})

describe('[P4] a request', () => {
  it('is answered once, also by listeners that were added later', async () => {
    const server = createServer()
    const roomful = makeRoomful()
    roomful.attach(server)
    const host = await listen(server)
    expect((await fetch(`http://${host}/mine`)).status).toBe(404)
    const seen: (string | undefined)[] = []
    server.on('request', (request: { url?: string }, response) => {
      seen.push(request.url)
      page(request as never, response)
    })
    expect(await (await fetch(`http://${host}/api/status`)).json()).toEqual({ status: 'online' })
    expect(await (await fetch(`http://${host}/socket.io/?EIO=4&transport=polling`)).text()).toMatch(/^0\{/)
    expect(await (await fetch(`http://${host}/mine`)).text()).toBe('application /mine')
    expect(seen).toEqual(['/mine'])
  })

  it('of the application keeps its own ways with errors, expectations and upgrades', async () => {
    const answered: string[] = []
    const server = createServer(page)
    server.on('checkContinue', (request, response) => {
      answered.push(`continue ${request.url}`)
      response.writeHead(417).end()
    })
    server.on('clientError', (_error, socket) => {
      answered.push('error')
      socket.end('HTTP/1.1 400 Mine\r\n\r\n')
    })
    makeRoomful().attach(server)
    const host = await listen(server)
    const post = (path: string) =>
      raw(
        host,
        `POST ${path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n`,
      )
    expect(await post('/mine')).toMatch(/^HTTP\/1\.1 417 /)
    expect(await raw(host, 'nonsense\r\n\r\n')).toBe('HTTP/1.1 400 Mine\r\n\r\n')
    expect(answered).toEqual(['continue /mine', 'error'])
  })

  it('reaches the application again once Roomful is closed', async () => {
    const server = createServer(page)
    const before = { emit: server.emit, upgrades: server.listenerCount('upgrade') }
    const roomful = makeRoomful()
    roomful.attach(server)
    const host = await listen(server)
    await roomful.close()
    expect(await (await fetch(`http://${host}/health`)).text()).toBe('application /health')
    expect({ emit: server.emit, upgrades: server.listenerCount('upgrade') }).toEqual(before)
  })
})

it('[P5] attach refuses an HTTP/2 server, and says what to do', () => {
  const roomful = makeRoomful()
  expect(() => roomful.attach(http2.createServer() as unknown as Server)).toThrow(/HTTP\/1\.1 server.*HTTP\/2.*proxy/)
})

describe('[P6] the SDK', () => {
  it.each(['close', 'http'] as const)('gets a WebSocket where there is no namespace / (%s)', async (authReject) => {
    const roomful = createRoomful({ data: ':memory:', authReject })
    onTestFinished(() => roomful.close())
    roomful.namespace('/tasks', undefined, { guests: true })
    const { url } = await roomful.listen({ port: 0 })
    const client = connect(url, { namespace: '/tasks', name: 'Ann' })
    onTestFinished(() => client.close())
    await expect.poll(() => client.state).toMatchObject({ status: 'open', transport: 'websocket' })
    expect(await firstMessage(`${url.replace('http', 'ws')}/ws`)).toBe(404)
    expect(await firstMessage(`${url.replace('http', 'ws')}/ws`, ['roomful.plain'])).toBe(404)
  })
})
