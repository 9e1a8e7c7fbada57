/** A proxy that sends each request and each upgrade to the next server, whichever had the client before. */
import { Agent, createServer, request as send } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RoundRobin {
  readonly url: string
  /** Answers to requests, by their status. */
  readonly statuses: Map<number, number>
  /** From now on only these get anything. */
  use(urls: readonly string[]): void
}

export async function roundRobin(urls: readonly string[]): Promise<RoundRobin> {
  let targets = urls.map((url) => new URL(url))
  let turn = 0
  const statuses = new Map<number, number>()
  const next = (): URL => targets[turn++ % targets.length] as URL
  const agent = new Agent({ keepAlive: true })
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    const { port } = next()
    const passed = send({ agent, host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
      const { statusCode = 0 } = answer
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
      response.writeHead(statusCode, answer.rawHeaders)
      answer.pipe(response)
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
    request.pipe(passed)
  })
  server.on('upgrade', (request, socket, head) => {
    const target = connect(Number(next().port), '127.0.0.1', () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`]
      for (let at = 0; at < request.rawHeaders.length; at += 2)
        lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`)
      target.write(`${lines.join('\r\n')}\r\n\r\n`)
      target.write(head)
      socket.pipe(target).pipe(socket)
    })
    target.on('error', () => socket.destroy())
    socket.on('error', () => target.destroy())
    socket.on('close', () => target.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
    agent.destroy()
  })
  const use = (other: readonly string[]): void => {
    targets = other.map((url) => new URL(url))
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, statuses, use }
}
