/**
 * `npm run cluster`: Commons on several nodes of this machine, with a redis-server of their own and nginx in front, which
 * sends each request to any of them. SIGHUP restarts the nodes one after another; SIGINT and SIGTERM end all of it.
 *
 *   --nodes N             (2)
 *   --port N              where nginx listens (8080)
 *   --data FOLDER         keeps everything there (a temporary folder, removed at the end)
 *   --appendfsync WHEN    always, everysec or off: when Redis has on its disk what it acknowledged (always)
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Cluster } from './lib/cluster/cluster.ts'
import { root } from './lib/command.ts'

const FSYNCS = ['always', 'everysec', 'off'] as const
const NODES_MAX = 64
/** npm passes on a signal that this process got as well. */
const ECHO_MS = 300

function say(sentence: string): void {
  process.stderr.write(`${sentence}\n`)
}

function fail(sentence: string): never {
  say(sentence)
  process.exit(2)
}

function readOptions() {
  const options = {
    nodes: { type: 'string', default: '2' },
    port: { type: 'string', default: '8080' },
    data: { type: 'string' },
    appendfsync: { type: 'string', default: 'always' },
  } as const
  try {
    const { values } = parseArgs({ options })
    const [nodes, port] = [Number(values.nodes), Number(values.port)]
    const appendfsync = FSYNCS.find((each) => each === values.appendfsync)
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX) fail(`--nodes must be from 1 to ${NODES_MAX}.`)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) fail('--port must be a TCP port.')
    if (appendfsync === undefined) fail(`--appendfsync must be one of ${FSYNCS.join(', ')}.`)
    return { nodes, port, appendfsync, data: values.data }
  } catch (error) {
    return fail((error as Error).message)
  }
}

const { nodes, port, appendfsync, data } = readOptions()
const folder = data === undefined ? mkdtempSync(join(tmpdir(), 'roomful-cluster-')) : resolve(data)
mkdirSync(folder, { recursive: true })

let cluster: Cluster | undefined
let endedAt: number | undefined

async function end(code: number): Promise<void> {
  if (endedAt !== undefined) return
  endedAt = performance.now()
  await cluster?.stop()
  leave(code)
}

function leave(code: number): never {
  if (data === undefined) rmSync(folder, { recursive: true, force: true })
  process.exit(code)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (endedAt === undefined) {
      say('Ending the nodes; once more to cut them off.')
      return end(0)
    }
    if (performance.now() - endedAt < ECHO_MS) return
    cluster?.kill()
    leave(1)
  })
}
process.on('SIGHUP', () => cluster?.restartNodes().catch((error: Error) => say(error.message)))

try {
  cluster = await Cluster.prepare({
    nodes,
    port,
    folder,
    appendfsync,
    program: ['--max-semi-space-size=8', '--conditions=source', join(root, 'apps/commons/main.ts')],
    say,
    onGivenUp: () => end(1),
  })
  await cluster.start()
  const kept = data === undefined ? 'a temporary folder' : folder
  const where = `${cluster.url}: ${nodes} nodes behind nginx, on one Redis (appendfsync ${appendfsync}), data in ${kept}`
  say(`Commons is on ${where}\n  restart       kill -HUP ${process.pid}   (one node after another)`)
} catch (error) {
  if (endedAt === undefined) say((error as Error).message)
  await end(1)
}
