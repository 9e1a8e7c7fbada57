/** Streams and polls over real HTTP, on time that the test decides: a token may end, a lease run out, and nobody waits. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTestServer, type TestServer, type TestServerOptions } from '@roomful/testkit'
import { onTestFinished } from 'vitest'
import { Polls } from '../../src/adapters/http/fallbacks/poll.ts'
import { SseStreams } from '../../src/adapters/http/fallbacks/sse.ts'
import type { HttpHost } from '../../src/adapters/http/host.ts'
import { HttpTransport } from '../../src/adapters/http/router.ts'

export interface VirtualServing {
  readonly server: TestServer
  readonly url: string
}

/**
 * Turns end by themselves, as they do in a process; time moves only when the test says so.
 * @param pollsMax polls that may wait at once
 */
export async function serveVirtually(options: TestServerOptions = {}, pollsMax?: number): Promise<VirtualServing> {
  const settings = { ratePerSecond: 0, ratePerMinute: 0, ...options.settings }
  const server = await createTestServer({ ...options, settings })
  const host = {
    hub: server.hub,
    polls: new Polls(server.hub, pollsMax),
    streams: new SseStreams(server.hub),
  } as HttpHost
  const http = new HttpTransport(host, {
    crossOrigin: { refusal: () => undefined, setHeaders: () => undefined },
    clientAddress: () => '127.0.0.1',
  })
  const own = createServer((request, response) => void http.handle(request, response))
  await new Promise<void>((resolve) => void own.listen(0, '127.0.0.1', resolve))
  const turns = setInterval(() => server.settle(), 1)
  onTestFinished(async () => {
    clearInterval(turns)
    await server.close()
    own.closeAllConnections()
    await new Promise((resolve) => own.close(resolve))
  })
  return { server, url: `http://127.0.0.1:${(own.address() as AddressInfo).port}` }
}
