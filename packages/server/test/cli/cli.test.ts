import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))
const folder = (): string => mkdtempSync(join(tmpdir(), 'roomful-cli-'))
const env = (more: Record<string, string> = {}) => ({
  PATH: process.env.PATH,
  NODE_OPTIONS: '--conditions=source',
  ...more,
})

interface Outcome {
  code: number
  stdout: string
  stderr: string
}

function roomful(argv: string[], more: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...argv], { env: env(more), timeout: 15_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

/** Starts a server on a free port, and waits until it says where it is. */
async function serve(argv: string[], more: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, 'serve', '--port=0', ...argv], {
    env: env(more),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output.stdout += text
  })
  const exited = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output.stderr += text
      const found = /Roomful is on (\S+)/.exec(output.stderr)?.[1]
      if (found) resolve(found)
    })
    exited.then(() => reject(new Error(`It ended: ${output.stderr}`)))
  })
  return { child, exited, url, output }
}

describe('roomful', () => {
  it.each([['help'], ['--help'], ['serve', '--help'], []])('%s %s prints how it is used', async (...argv) => {
    const { code, stdout } = await roomful(argv)
    expect(code).toBe(0)
    expect(stdout).toMatch(/roomful token --sub <id>[\s\S]*--ping-interval-ms/)
  })

  it('--version prints a version', async () => {
    expect((await roomful(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  it.each<[string[], string]>([
    [['sreve'], 'There is no command sreve. Did you mean serve? Try roomful help.'],
    [['serve', '--prot=1'], 'There is no option --prot. Did you mean --port?'],
    [['serve', '--port=http'], '--port must be a whole number from 0 to 65535, not "http".'],
    [['token'], 'Say who the token is for: roomful token --sub alice.'],
    [['token', '--sub', 'a', '--role', 'king'], '--role must be user, support, seller or admin, not "king".'],
    [['token', '--sub', 'a', '--expires', '1y'], '--expires must be like 30s, 15m, 12h or 7d, or never; not "1y".'],
    [['token', '--sub', 'x'.repeat(129)], '--sub cannot be used: the subject is longer than 128 bytes.'],
    [
      ['token', '--sub', 'a', '--data', ':memory:'],
      'A server with ROOMFUL_DATA :memory: and no JWT_SECRET keeps its secret to itself.',
    ],
    [['config', '--format', 'xml'], '--format must be "text" or "json", not "xml".'],
  ])('%j ends with 2 and one sentence', async (argv, sentence) => {
    expect(await roomful(argv, { ROOMFUL_DATA: folder() })).toEqual({ code: 2, stdout: '', stderr: `${sentence}\n` })
  })

  it('config tells what is in force and where it came from, without secrets', async () => {
    const { stdout } = await roomful(['config', '--format=json', '--port', '7'], {
      JWT_SECRET: 'hush',
      LOG_LEVEL: 'warn',
    })
    expect(JSON.parse(stdout)).toMatchObject({
      port: { value: 7, from: '--port' },
      logLevel: { value: 'warn', from: 'LOG_LEVEL' },
      jwtSecret: { value: '********', from: 'JWT_SECRET' },
      maxRooms: { value: 200, from: 'default' },
    })
    expect(stdout).not.toContain('hush')
  })
})

describe('roomful serve', () => {
  it('[C15] serves, accepts what roomful token prints for its data, and ends with 0', async () => {
    const data = folder()
    const { child, exited, url, output } = await serve(['--data', data])
    expect(await (await fetch(`${url}/health`)).text()).toBe('{"status":"ok","clients":0}')
    const token = await roomful([
      'token',
      '--sub',
      'alice',
      '--name',
      'Alice',
      '--role',
      'admin',
      '--expires',
      '1h',
      '--data',
      data,
    ])
    const headers = { authorization: `Bearer ${token.stdout.trim()}` }
    expect((await fetch(`${url}/api/rooms`, { headers })).status).toBe(200)
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(output.stderr).toContain(`roomful token --sub alice --name Alice --data ${data}`)
    for (const line of output.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('time')
  }, 20_000)

  it('warns of a short secret, in the log, without showing it', async () => {
    const { child, exited, output } = await serve(['--data', ':memory:'], { JWT_SECRET: 'tooshort' })
    child.kill('SIGINT')
    expect(await exited).toEqual([0, null])
    const [notice] = output.stdout.split('\n')
    expect(JSON.parse(notice ?? '')).toMatchObject({
      level: 'warn',
      msg: expect.stringMatching(/JWT_SECRET has 8 bytes/),
    })
    expect(output.stdout + output.stderr).not.toContain('tooshort')
  }, 20_000)

  it('a port in use is one sentence and exit code 1', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await roomful(['serve', `--port=${port}`, '--data', ':memory:', '--log-level=silent'])
    other.close()
    expect(code).toBe(1)
    expect(stderr).toBe(
      `Port ${port} of 127.0.0.1 is in use. Stop what uses it, or set PORT to another one (0 takes a free one).\n`,
    )
  }, 20_000)

  it('a data folder that cannot be one is a sentence and exit code 1', async () => {
    const { code, stderr } = await roomful(['serve', '--port=0', '--data', '/dev/null/data', '--log-level=silent'])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^The (data folder|secret in) \/dev\/null\/data.*\n$/)
  }, 20_000)
})
