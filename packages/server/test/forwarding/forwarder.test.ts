/** Requests and upgrades that are passed on to another node, over real sockets. D15. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as sendRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { systemClock } from '../../src/adapters/system/clock-and-random.ts'
import { MARK_HEADER } from '../../src/adapters/transports/forwarding/forward-mark.ts'
import { Forwarder } from '../../src/adapters/transports/forwarding/forwarder.ts'
import { NodeDirectory } from '../../src/adapters/transports/forwarding/node-directory.ts'
import { NodeBoard } from './memory-registry.ts'

const OWNER = 'owner0'

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** One node that passes everything on to another one, which answers so. */
async function setUp(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const owner = createServer(answer)
  const sockets = new WebSocketServer({ server: owner })
  const board = new NodeBoard()
  const ownerPort = await listen(owner)
  await board.view().join({ tag: OWNER, url: `http://127.0.0.1:${ownerPort}` })
  const outcomes: string[] = []
  const forwarder = new Forwarder({
    directory: new NodeDirectory(board.view(), systemClock),
    mark: () => 'the mark',
    basePath: '/below',
    clock: systemClock,
    observer: { observe: (fact) => fact.type === 'forwarded' && outcomes.push(`${fact.what} ${fact.ok}`) },
  })
  onTestFinished(() => forwarder.close())
  const front = createServer(async (request, response) => {
    if (!(await forwarder.request(request, response, OWNER))) response.writeHead(400).end('gone')
  })
  front.on('upgrade', async (request, socket, head) => {
    if (!(await forwarder.upgrade(request, socket, head, OWNER))) socket.end('HTTP/1.1 400 Gone\r\n\r\n')
  })
  const port = await listen(front)
  return { url: `http://127.0.0.1:${port}`, port, owner, sockets, forwarder, outcomes }
}

it('[Z5] [D15] status, headers and body pass both ways as they are, with the mark of the node', async () => {
  const { url, outcomes, forwarder } = await setUp(async (request, response) => {
    const { method, url: path, headers } = request
    const { host, cookie, [MARK_HEADER]: mark, connection, 'x-own': own } = headers
    const body = await text(request)
    response.setHeader('Set-Cookie', ['a=1', 'b=2'])
    response.writeHead(418, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({ method, path, host, cookie, mark, connection, own, body }))
  })
  const body = 'x'.repeat(200_000)
  const headers = { cookie: 'c=3', 'x-own': 'yes', [MARK_HEADER]: 'made up' }
  const sent = sendRequest(`${url}/poll?sid=${OWNER}1`, { method: 'POST', headers })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  expect(response.statusCode).toBe(418)
  expect(response.headers['set-cookie']).toEqual(['a=1', 'b=2'])
  expect(JSON.parse(await text(response))).toEqual({
    ...{ method: 'POST', path: `/below/poll?sid=${OWNER}1`, host: new URL(url).host },
    ...{ cookie: 'c=3', mark: 'the mark', connection: 'keep-alive', own: 'yes', body },
  })
  expect(outcomes).toEqual(['request true'])
  expect(forwarder.size).toBe(0)
})

it('[Z5] [B8] a stream passes as it comes, and ends for the other node when its reader is gone', async () => {
  const closed = Promise.withResolvers<void>()
  let stream: ServerResponse | undefined
  const { url, forwarder } = await setUp((_, response) => {
    stream = response.writeHead(200, { 'content-type': 'text/event-stream' })
    stream.flushHeaders()
    stream.once('close', closed.resolve)
  })
  const gone = new AbortController()
  const { body } = await fetch(url, { signal: gone.signal })
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  for (const event of ['data: one\n\n', 'data: two\n\n']) {
    stream?.write(event)
    expect((await reader?.read())?.value).toBe(event)
  }
  gone.abort()
  await closed.promise
  await expect.poll(() => forwarder.size).toBe(0)
})

it('[Z5] a node that ends in the middle of an answer is a cut connection, not a whole answer', async () => {
  const { url } = await setUp((request, response) => {
    response.writeHead(200, { 'content-length': 10 })
    response.write('half')
    setImmediate(() => request.socket.destroy())
  })
  await expect(fetch(url).then((response) => response.text())).rejects.toThrow()
})

it('a node that is gone is said at once: for requests, bodies and upgrades', async () => {
  const { url, owner, outcomes } = await setUp(() => undefined)
  owner.close()
  await once(owner, 'close')
  for (const init of [{}, { method: 'POST', body: 'x'.repeat(100_000) }]) {
    const response = await fetch(url, init)
    expect([response.status, await response.text()]).toEqual([400, 'gone'])
  }
  const socket = new WebSocket(url.replace('http', 'ws'))
  const [error] = (await once(socket, 'error').catch((reason: Error) => [reason])) as [Error]
  expect(error.message).toBe('Unexpected server response: 400')
  expect(outcomes).toEqual(['request false', 'request false', 'upgrade false'])
})

it('a node that breaks off before it answers counts as gone', async () => {
  const { url } = await setUp(({ socket }) => socket.destroy())
  expect((await fetch(url)).status).toBe(400)
})

it('[Z5] [D15] an upgrade is joined: frames both ways, the last ones before a close, and a cut', async () => {
  const { url, sockets, forwarder, outcomes } = await setUp(() => undefined)
  const seen: unknown[] = []
  sockets.on('connection', (peer, { headers, url: path }) => {
    seen.push(path, headers[MARK_HEADER])
    peer.on('message', (message) => {
      if (message.toString() === 'end') {
        peer.send('x'.repeat(300_000))
        peer.close(4_005, 'REPLACED')
      } else peer.send(message)
    })
    peer.once('close', (code) => seen.push(code))
  })
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket.io/`)
    await once(socket, 'open')
    return socket
  }
  const one = await open()
  one.send('hello')
  expect(String((await once(one, 'message'))[0])).toBe('hello')
  one.send('end')
  const [[last], [code, reason]] = await Promise.all([once(one, 'message'), once(one, 'close')])
  expect([String(last).length, code, String(reason)]).toEqual([300_000, 4_005, 'REPLACED'])
  expect(seen).toEqual(['/below/socket.io/', 'the mark', 4_005])
  const two = await open()
  two.terminate()
  await expect.poll(() => seen.at(-1)).toBe(1_006)
  await expect.poll(() => forwarder.size).toBe(0)
  expect(outcomes).toEqual(['upgrade true', 'upgrade true'])
})

it('[Z5] what is on its way when the node closes is cut on both sides', async () => {
  const closed = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const { url, forwarder } = await setUp((_, response) => {
    response.once('close', closed.resolve)
    asked.resolve()
  })
  const answer = fetch(url)
  await asked.promise
  forwarder.close()
  await expect(answer).rejects.toThrow()
  await closed.promise
  expect(forwarder.size).toBe(0)
})

it('a body that waits to be asked for is asked for', async () => {
  const { port } = await setUp(async (request, response) => response.end(await text(request)))
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n')
  expect(String((await once(socket, 'data'))[0])).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  socket.write('hello')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*hello/s)
})
