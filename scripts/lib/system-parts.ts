/**
 * The parts of the system that some tests need and npm cannot bring. Each is installed through apt where this process
 * may do so; a test project whose part is missing is skipped by name, with the reason.
 */
import { existsSync } from 'node:fs'
import { runCommand } from './command.ts'
import { say } from './steps.ts'

export interface SystemPart {
  /** The vitest project that cannot run without it. */
  readonly project: string
  /** Debian's package, or several with a blank between them. */
  readonly aptPackage: string
  /** Where its program is; the environment variable wins. */
  readonly programs: readonly string[]
  readonly variable: string
}

export const systemParts: readonly SystemPart[] = [
  { project: 'browser', aptPackage: 'chromium', programs: ['/usr/bin/chromium'], variable: 'CHROMIUM' },
  {
    project: 'python',
    aptPackage: 'python3-socketio python3-requests python3-websocket',
    programs: ['/usr/lib/python3/dist-packages/socketio/__init__.py'],
    variable: 'PYTHON',
  },
  {
    project: 'python',
    aptPackage: 'python3-websockets python3-aiohttp',
    programs: ['/usr/lib/python3/dist-packages/websockets/__init__.py'],
    variable: 'PYTHON',
  },
  { project: 'outside', aptPackage: 'sqlite3', programs: ['/usr/bin/sqlite3'], variable: 'SQLITE3' },
  { project: 'nginx', aptPackage: 'nginx', programs: ['/usr/sbin/nginx'], variable: 'NGINX' },
  { project: 'nodes', aptPackage: 'nginx', programs: ['/usr/sbin/nginx'], variable: 'NGINX' },
  { project: 'nodes', aptPackage: 'redis-server', programs: ['/usr/bin/redis-server'], variable: 'REDIS_SERVER' },
]

/** Why the part is missing after everything was tried, or undefined when it is there. */
export async function provide(part: SystemPart): Promise<string | undefined> {
  const chosen = process.env[part.variable]
  if (chosen) return existsSync(chosen) ? undefined : `${part.variable} names ${chosen}, which is not there`
  if (part.programs.some((program) => existsSync(program))) return undefined
  const refusal = await aptRefusal()
  if (refusal !== undefined) return `${part.aptPackage} is not installed, and ${refusal}`
  say(`Installing ${part.aptPackage} through apt…`)
  // RUNLEVEL keeps Debian from starting what it has just installed: the tests start their own.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const install = ['install', '--yes', '--no-install-recommends', ...part.aptPackage.split(' ')]
  let attempt = await asRoot('apt-get', install, env)
  if (!attempt.ok) {
    await asRoot('apt-get', ['update'], env)
    attempt = await asRoot('apt-get', install, env)
  }
  if (attempt.ok && part.programs.some((program) => existsSync(program))) return undefined
  return `apt could not install ${part.aptPackage}: ${attempt.output.trim().split('\n').slice(-3).join(' | ')}`
}

async function aptRefusal(): Promise<string | undefined> {
  if (!existsSync('/usr/bin/apt-get')) return 'this machine has no apt'
  if (isRoot()) return undefined
  const sudo = existsSync('/usr/bin/sudo') && (await runCommand('sudo', ['--non-interactive', 'true'])).ok
  return sudo ? undefined : 'apt needs root'
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function asRoot(program: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  if (isRoot()) return runCommand(program, args, { env })
  return runCommand('sudo', ['--non-interactive', '--preserve-env=DEBIAN_FRONTEND,RUNLEVEL', program, ...args], { env })
}
