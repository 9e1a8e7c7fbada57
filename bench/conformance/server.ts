/**
 * The conformance app, for protocol test suites to bite on, on the same stack as every link: `/ws/echo` sends text and
 * binary back as they came; Socket.IO's `/` and `/custom` take anyone and send back what the public suite says.
 * R8, R9.
 *
 *   npm run conformance -- --port 9001
 */
import { parseArgs } from 'node:util'
import { ackArgs, createRoomful } from '@roomful/server'

const { values } = parseArgs({ options: { port: { type: 'string', default: '9001' } } })

/** The suites listen for one message at a time, so two of them may not share a write. */
const APART_MS = 5

const roomful = createRoomful({
  data: ':memory:',
  port: Number(values.port),
  maxMessageBytes: 16 * 1024 * 1024,
  ratePerSecond: 0,
  maxConnectionsPerIp: 0,
  authDeadlineMs: 1_000,
  jwtSecret: 'a secret of the conformance server only',
  echo: { '/ws/echo': '' },
  socketioPingIntervalMs: 300,
  socketioPingTimeoutMs: 200,
  socketioRecovery: false,
  socketioMaxPayloadBytes: 1_000_000,
})
for (const name of ['/', '/custom']) {
  const namespace = roomful.namespace(name, undefined, { anonymous: true, quiet: true })
  namespace.hook('connect', ({ id, handshake = {} }) => {
    setTimeout(() => namespace.to(id).emit('auth', handshake), APART_MS)
  })
  namespace.on('message', (context, ...args: unknown[]) => context.emit('message-back', ...args))
  namespace.on('message-with-ack', (_context, ...args: unknown[]) => ackArgs(...args))
}
const { url } = await roomful.listen()
process.stdout.write(`conformance server on ${url.replace('http', 'ws')}/ws/echo and ${url}/socket.io/\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, () => void roomful.close().then(() => process.exit(0)))
