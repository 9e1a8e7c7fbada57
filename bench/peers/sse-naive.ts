/**
 * What everyone writes first: a set of responses, and a loop that writes to each of them. The peer of bench/sse.ts; it
 * numbers nothing, keeps nothing, and knows no slow client.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { reportOn } from '../lib/self-report.ts'

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } })
const streams = new Set<ServerResponse>()

const server = createServer(async (request, response) => {
  if (report(request, response)) return
  if (request.url?.startsWith('/sse/')) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.write(': welcome\n\n')
    streams.add(response)
    response.once('close', () => streams.delete(response))
    return
  }
  const { data } = JSON.parse(await text(request)) as { data: unknown }
  for (const stream of streams) stream.write(`data: ${JSON.stringify(data)}\n\n`)
  response.end('{}')
})
const report = reportOn(server)
server.listen(Number(values.port), '127.0.0.1', () => {
  process.stdout.write(`naive server on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.once('SIGTERM', () => process.exit(0))
