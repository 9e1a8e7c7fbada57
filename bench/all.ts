/**
 * `npm run bench`: every row of one server beside others (`speed`, about half an hour) and `bandwidth`, or the named bench
 * with its flags (`npm run bench -- sse --streams 500`). `sse`, `acks` and `reconnect` are parts of `speed`; `nodes`,
 * `polling`, `socketio`, `streams`, `tracing` and `webhooks` need Redis or nginx, or measure something else, and run only when
 * they are named.
 */
import { run as acks } from './acks.ts'
import { run as bandwidth } from './bandwidth.ts'
import { run as nodes } from './nodes.ts'
import { run as polling } from './polling.ts'
import { run as reconnect } from './reconnect.ts'
import { run as socketio } from './socketio.ts'
import { run as speed } from './speed.ts'
import { run as sse } from './sse.ts'
import { run as streams } from './streams.ts'
import { tracing, webhooks } from './switched-on.ts'

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = { speed, bandwidth }

const BY_NAME: typeof BENCHES = {
  ...BENCHES,
  sse,
  acks,
  reconnect,
  nodes,
  polling,
  socketio,
  streams,
  tracing,
  webhooks,
}

const [name, ...args] = process.argv.slice(2)
const chosen = name === undefined ? Object.values(BENCHES) : [BY_NAME[name]]
for (const run of chosen) {
  if (run === undefined) {
    process.stderr.write(`There is no bench ${name}; there are ${Object.keys(BY_NAME).join(', ')}.\n`)
    process.exit(2)
  }
  process.stdout.write(`${await run(args)}\n\n`)
}
