/** The `roomful` command: serve, token, config, those that ask a running server, and what it says to mistakes. E8. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { dial } from './lib/client.ts'
import { pinnedNode, ROOT } from './lib/node.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const CLI = 'packages/server/src/cli.ts'
const ROOMFUL_API_KEY = 'a-key-for-the-command-line-long-enough'

let server: Server | undefined
let folder: string | undefined
afterEach(async () => {
  await server?.dispose()
  if (folder) await rm(folder, { recursive: true, force: true })
  server = folder = undefined
})

interface Said {
  code: number
  stdout: string
  stderr: string
}

async function roomful(args: string[], env: Record<string, string> = {}): Promise<Said> {
  const whole = { PATH: process.env.PATH, HOME: process.env.HOME, ...env }
  return await new Promise((resolve) => {
    execFile(
      pinnedNode(),
      ['--conditions=source', CLI, ...args],
      { cwd: ROOT, env: whole },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr })
      },
    )
  })
}

/** Its exit code after Ctrl-C, and what it had printed by then. */
async function tailUntilStopped(args: string[]): Promise<[number, string]> {
  const child = spawn(pinnedNode(), ['--conditions=source', CLI, 'tail', ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ROOMFUL_API_KEY },
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  child.kill('SIGINT')
  const [code] = (await once(child, 'exit')) as [number]
  return [code, String(line)]
}

it('[A2.3] serve starts a server, token makes tokens that it accepts by the secret in the data folder, publish and tail reach it', async () => {
  server = await Server.start({ entry: CLI, args: ['serve'], env: { ...UNLIMITED, JWT_SECRET: '', ROOMFUL_API_KEY } })
  const { stdout, code } = await roomful(['token', '--sub', 'cli-user', '--name', 'From Cli', '--role', 'support'], {
    ROOMFUL_DATA: server.data,
  })
  expect(code).toBe(0)
  const client = dial(server, `/ws/support?token=${stdout.trim()}`)
  expect((await client.next('auth_ok')).user).toMatchObject({ sub: 'cli-user', name: 'From Cli', role: 'support' })
  const asking = ['--server', server.http]
  const stored = await roomful(['publish', 'desk', 'note', '{"text":"one"}', ...asking], { ROOMFUL_API_KEY })
  expect(stored).toMatchObject({ code: 0, stdout: expect.stringMatching(/number 1 of desk/), stderr: '' })
  expect(await tailUntilStopped(['desk', ...asking])).toEqual([
    0,
    expect.stringMatching(/^#1 \S+ note \{"text":"one"\}\n$/),
  ])
  expect((await server.stop()).code).toBe(0)
})

it('[A2.3] tokens of a secret and an audience fit a server that has the same', async () => {
  const env = {
    JWT_SECRET: 'a secret of the command line, long enough',
    ROOMFUL_JWT_AUDIENCE: 'cli',
    ROOMFUL_JWT_ISSUER: 'tests',
  }
  server = await Server.start({ env: { ...UNLIMITED, ...env } })
  const { stdout } = await roomful(['token', '--sub', 'same', '--expires', '30s'], {
    ...env,
    ROOMFUL_DATA: server.data,
  })
  await dial(server, `/ws?token=${stdout.trim()}`).next('auth_ok')
})

it('[C16] config shows every setting with its origin, and no secret', async () => {
  const { stdout, code } = await roomful(['config'], {
    JWT_SECRET: 'never to be shown, whatever happens',
    ROOMFUL_MAX_ROOMS: '7',
  })
  expect(code).toBe(0)
  expect(stdout).not.toContain('never to be shown')
  expect(stdout).toMatch(/ROOMFUL_MAX_ROOMS\s+7\s+ROOMFUL_MAX_ROOMS/)
  expect(stdout).toMatch(/PORT\s+8080\s+default/)
  const asJson = await roomful(['config', '--format', 'json'], { JWT_SECRET: 'never to be shown, whatever happens' })
  expect(() => JSON.parse(asJson.stdout) as unknown).not.toThrow()
  expect(asJson.stdout).not.toContain('never to be shown')
})

it('[C16] a flag goes before a variable', async () => {
  const { stdout } = await roomful(['config', '--max-rooms', '9'], { ROOMFUL_MAX_ROOMS: '7' })
  expect(stdout).toMatch(/ROOMFUL_MAX_ROOMS\s+9\s+--max-rooms/)
})

it.each([
  [['nonsense'], /nonsense/],
  [['token'], /--sub/],
  [['token', '--sub', 'x', '--role', 'king'], /king|role/],
  [['token', '--sub', 'x', '--expires', 'someday'], /someday|expires/],
  [['serve', '--prot', '1'], /--port/],
  [['serve', '--port', 'x'], /port/i],
])('[C16] roomful %j is met with a sentence and a code that is not 0', async (args, sentence) => {
  folder = await mkdtemp(join(tmpdir(), 'roomful-outside-'))
  const { code, stderr } = await roomful(args, { ROOMFUL_DATA: folder })
  expect(code).not.toBe(0)
  expect(stderr).toMatch(sentence)
  expect(stderr).not.toMatch(/\n\s+at .+:\d+:\d+/)
})

it('[C16] help tells every command, and needs nothing', async () => {
  const { stdout, code } = await roomful(['--help'])
  expect(code).toBe(0)
  for (const word of ['serve', 'token', 'config', 'publish', 'tail', 'who', 'explain', '--port', '--max-rooms'])
    expect(stdout).toContain(word)
})
