/**
 * `npm run bench`: every bench, or the named one with its flags (`npm run bench -- sse --streams 500`). `nodes`,
 * `polling` and `socketio` run only when they are named: they need a Redis server, a C compiler or nginx.
 */
import { run as acks } from './acks.ts'
import { run as bandwidth } from './bandwidth.ts'
import { run as nodes } from './nodes.ts'
import { run as polling } from './polling.ts'
import { run as reconnect } from './reconnect.ts'
import { run as socketio } from './socketio.ts'
import { run as sse } from './sse.ts'

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<string>>> = {
  sse,
  acks,
  reconnect,
  bandwidth,
}

const BY_NAME: typeof BENCHES = { ...BENCHES, nodes, polling, socketio }

const [name, ...args] = process.argv.slice(2)
const chosen = name === undefined ? Object.values(BENCHES) : [BY_NAME[name]]
for (const run of chosen) {
  if (run === undefined) {
    process.stderr.write(`There is no bench ${name}; there are ${Object.keys(BY_NAME).join(', ')}.\n`)
    process.exit(2)
  }
  process.stdout.write(`${await run(args)}\n\n`)
}
