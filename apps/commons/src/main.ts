/** A placeholder for Commons: it listens on `PORT`, ends with 0 on SIGTERM or SIGINT and with 3 on a bad setting. */
import { createServer } from 'node:http'

const port = Number(process.env.PORT ?? 8080)
const host = process.env.HOST ?? '127.0.0.1'
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  process.stderr.write(`PORT must be a whole number from 0 to 65535, not ${process.env.PORT}\n`)
  process.exit(3)
}

const server = createServer((_request, response) => response.end('{"status":"ok","clients":0}'))
server.listen(port, host, () => process.stdout.write(`listening on http://${host}:${port}\n`))

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => server.close(() => process.exit(0)))
