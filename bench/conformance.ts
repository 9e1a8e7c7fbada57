/**
 * The conformance app: `/ws/echo` sends text and binary back as they came, on the same stack as every WebSocket link, for
 * protocol test suites to bite on. TARGETS R8.
 *
 *   npm run conformance -- --port 9001
 */
import { parseArgs } from 'node:util'
import { createRoomful } from '@roomful/server'

const { values } = parseArgs({ options: { port: { type: 'string', default: '9001' } } })

const roomful = createRoomful({
  data: ':memory:',
  port: Number(values.port),
  maxMessageBytes: 16 * 1024 * 1024,
  jwtSecret: 'a secret of the conformance server only',
  echo: { '/ws/echo': '' },
})
const { url } = await roomful.listen()
process.stdout.write(`conformance server on ${url.replace('http', 'ws')}/ws/echo\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void roomful.close().then(() => process.exit(0)))
