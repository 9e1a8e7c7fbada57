/** The servers that `npm run bench -- speed` measures, and how the clients of the load generator use each of them. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ServerProcess } from '../server-process.ts'

export interface Peer {
  readonly script: string
  readonly args?: readonly string[]
  /** Instead of Node. */
  readonly runtime?: () => readonly string[]
  /** How its clients connect and enter their room; see bench/load/load.c. */
  readonly client: readonly string[]
  readonly message: readonly string[]
}

const roomful = {
  client: ['--path', '/ws/bench', '--step', '{"type":"room:join","roomId":"r%r","id":"in"}=>"ack":"in"'],
  message: ['--message', '{"type":"pub","roomId":"r%r","data":%b}'],
}
const roomfulBySocketIo = {
  client: [
    ...['--path', '/socket.io/?EIO=4&transport=websocket', '--pong', '2=>3'],
    ...['--step', '=>0{', '--step', '40=>40{', '--step', '421["room:join",{"roomId":"r%r"}]=>431['],
  ],
  message: ['--message', '42["pub",{"roomId":"r%r","data":%b}]'],
}
const bare = {
  client: ['--path', '/ws', '--step', '{"t":"join","r":"r%r"}=>joined'],
  message: ['--message', '{"t":"pub","r":"r%r","data":%b}'],
}
const socketIo = {
  client: [
    ...['--path', '/socket.io/?EIO=4&transport=websocket', '--pong', '2=>3'],
    ...['--step', '=>0{', '--step', '40=>40{', '--step', '42["join","r%r"]=>joined'],
  ],
  message: ['--message', '42["pub","r%r",%b]'],
}

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/roomful-bench/', import.meta.url))
const BUN = '@oven/bun-linux-x64@1.4.5'

/** Bun is no dependency of this project: it is installed for the bench when it is first needed. */
function bun(): readonly string[] {
  const program = `${CACHE}node_modules/@oven/bun-linux-x64/bin/bun`
  if (!existsSync(program)) {
    process.stderr.write(`Installing ${BUN}…\n`)
    mkdirSync(CACHE, { recursive: true })
    execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', CACHE, BUN], {
      stdio: 'ignore',
    })
  }
  return [program]
}

/** @param before another checkout of this project, to compare with */
export function peersOf(before: string | undefined): Readonly<Record<string, Peer>> {
  const script = before === undefined ? '' : resolve(before, 'bench/server.ts')
  return {
    roomful: { script: 'server.ts', ...roomful },
    'roomful-sqlite': { script: 'server.ts', args: ['--store', 'sqlite'], ...roomful },
    'roomful-socketio': { script: 'server.ts', ...roomfulBySocketIo },
    ...(before !== undefined && {
      before: { script, ...roomful },
      'before-sqlite': { script, args: ['--store', 'sqlite'], ...roomful },
      'before-socketio': { script, ...roomfulBySocketIo },
    }),
    bun: { script: 'peers/bun.js', runtime: bun, ...bare },
    'ws-gathered': { script: 'peers/ws.ts', args: ['--manner', 'gathered'], ...bare },
    'ws-naive': { script: 'peers/ws.ts', args: ['--manner', 'naive'], ...bare },
    socketio: { script: 'peers/socketio-node.ts', ...socketIo },
  }
}

export function startPeer(
  peer: Peer,
  launcher: readonly string[],
  more: readonly string[] = [],
): Promise<ServerProcess> {
  return ServerProcess.start(peer.script, [...(peer.args ?? []), ...more], launcher, peer.runtime?.())
}
