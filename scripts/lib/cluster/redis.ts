/** A redis-server of this program's own: on a port and in a folder that it is given, reached from this machine only. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { Child } from './child.ts'
import { find, PROGRAMS } from './programs.ts'

export interface RedisOptions {
  readonly port: number
  readonly folder: string
  /** When what is acknowledged is on the disk; see docs/guarantees.md. `off` keeps no file at all. */
  readonly appendfsync: 'always' | 'everysec' | 'off'
  /** More settings, as in redis.conf. */
  readonly settings?: Readonly<Record<string, string>>
  /** Runs before the program: what pins it to a core. */
  readonly launcher?: readonly string[]
  /** Ends it when it is not ready yet. */
  readonly signal?: AbortSignal
}

export interface RedisServer {
  readonly url: string
  readonly pid: number
  readonly exited: Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** @throws MissingProgram; Error when it does not start (both reject) */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { port, folder, appendfsync, launcher = [], signal } = options
  const settings: Record<string, string | number> = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    // Rows that Redis throws away by itself would be holes in rooms.
    'maxmemory-policy': 'noeviction',
    save: '',
    appendonly: appendfsync === 'off' ? 'no' : 'yes',
    appendfsync: appendfsync === 'off' ? 'no' : appendfsync,
    ...options.settings,
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const [program = '', ...rest] = [...launcher, find(PROGRAMS.redis), ...args]
  const child = await Child.start({
    name: 'redis-server',
    program,
    args: rest,
    detached: true,
    isReady: () => answersPing(port),
    signal,
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: child.pid,
    exited: child.exited,
    stop: (by) => child.stop(by),
  }
}

/** While it loads its file it answers with an error. */
async function answersPing(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    socket.write('PING\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer.toString('latin1').startsWith('+PONG')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
