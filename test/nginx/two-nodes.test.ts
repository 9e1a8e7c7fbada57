/** deploy/nginx.conf with two nodes behind it, of which one fails: what nginx itself does then, whatever the nodes are. B8, D15. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { startHttpNginx } from './nginx.ts'

interface FakeNode {
  readonly port: number
  /** Method and path of what it got. */
  readonly requests: string[]
  /** No longer listens, as one that restarts. */
  stop(): Promise<void>
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

async function startNode(name: string, answer: Answer = (_, response) => response.end(name)): Promise<FakeNode> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  new WebSocketServer({ server }).on('connection', (socket) => socket.send(name))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async (): Promise<void> => {
    server.close()
    server.closeAllConnections()
  }
  onTestFinished(stop)
  return { port: (server.address() as AddressInfo).port, requests, stop }
}

async function inFrontOf(...nodes: readonly FakeNode[]): Promise<string> {
  const nginx = await startHttpNginx(nodes.map(({ port }) => port))
  onTestFinished(() => nginx.stop())
  return nginx.url
}

/** Breaks the connection of what asks for `/broken`, once it has the whole request. */
const breaking =
  (name: string): Answer =>
  (request, response) => {
    request.resume().once('end', () => {
      if (request.url === '/broken') request.socket.destroy()
      else response.end(name)
    })
  }

const get = async (url: string): Promise<string> => (await fetch(url)).text()

it('[Z6] [D15] one broken request takes no node out of service', async () => {
  const [one, two] = [await startNode('one', breaking('one')), await startNode('two', breaking('two'))]
  const url = await inFrontOf(one, two)
  await get(`${url}/broken`)
  expect([...one.requests, ...two.requests]).toEqual(['GET /broken', 'GET /broken'])
  const answers: string[] = []
  for (let i = 0; i < 8; i++) answers.push(await get(url))
  expect(answers.filter((answer) => answer === 'one')).toHaveLength(4)
  expect(answers.filter((answer) => answer === 'two')).toHaveLength(4)
})

it('[Z6] [D9] while a node is away, the other one takes requests, streams and WebSockets, and none fails', async () => {
  const stream: Answer = (request, response) => {
    if (request.headers.accept !== 'text/event-stream') response.end('two')
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: two\n\n')
  }
  const [one, two] = [await startNode('one'), await startNode('two', stream)]
  const url = await inFrontOf(one, two)
  await one.stop()
  for (let i = 0; i < 4; i++) expect(await get(url)).toBe('two')
  for (let i = 0; i < 4; i++) {
    const response = await fetch(url, { method: 'POST', body: 'a message' })
    expect([response.status, await response.text()]).toEqual([200, 'two'])
  }
  for (let i = 0; i < 2; i++) {
    const gone = new AbortController()
    const { body, status } = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: gone.signal })
    const first = await body?.pipeThrough(new TextDecoderStream()).getReader().read()
    expect([status, first?.value]).toEqual([200, 'data: two\n\n'])
    gone.abort()
  }
  for (let i = 0; i < 2; i++) {
    const socket = new WebSocket(url.replace('http', 'ws'))
    const [greeting] = (await once(socket, 'message')) as [Buffer]
    socket.terminate()
    expect(greeting.toString()).toBe('two')
  }
})

it('[Z6] [G2] a POST that a node may have done is not sent to the other one', async () => {
  const [one, two] = [await startNode('one', breaking('one')), await startNode('two', breaking('two'))]
  const url = await inFrontOf(one, two)
  const response = await fetch(`${url}/broken`, { method: 'POST', body: 'a message' })
  expect([response.status, response.headers.get('retry-after')]).toEqual([502, '1'])
  expect([...one.requests, ...two.requests]).toEqual(['POST /broken'])
})

it('[Z6] [B9] with no node there, a stream is cut and gets no error page', async () => {
  const [one, two] = [await startNode('one'), await startNode('two')]
  const url = await inFrontOf(one, two)
  await Promise.all([one.stop(), two.stop()])
  await expect(fetch(url, { headers: { accept: 'text/event-stream' } })).rejects.toThrow()
  expect((await fetch(url)).status).toBe(502)
})
