/** `roomful load` against a server of the test, over each dialect. docs/load.md. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { load } from '../../src/cli/load-command.ts'
import { type CreateOptions, createRoomful } from '../../src/index.ts'

const SECRET = 'a secret of at least thirty-two characters'

async function serve(given: CreateOptions = {}): Promise<string> {
  const limits = { ratePerSecond: 0, ratePerMinute: 0, connectsPerMinute: 0 }
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, ...limits, ...given }).standardNamespaces()
  onTestFinished(() => roomful.close())
  return (await roomful.listen({ port: 0 })).url
}

async function run(url: string, ...args: string[]) {
  const lines: string[] = []
  const argv = ['--server', url, '--clients', '6', '--rooms', '2', '--rate', '20', '--seconds', '1', ...args]
  const given = { argv, env: { JWT_SECRET: SECRET }, print: (line: string) => void lines.push(line) }
  const isWhole = await load({ ...given, signal: new AbortController().signal })
  const total = (name: string) =>
    lines
      .find((line) => line.startsWith(name))
      ?.slice(name.length)
      .trim()
  return { isWhole, lines, total }
}

it.each(['plain', 'v1', 'socketio', 'sse', 'poll'])(
  '[X20] %s: every acknowledged message reaches every member of its room',
  async (dialect) => {
    const { isWhole, total } = await run(await serve(), '--dialect', dialect)
    expect(['messages sent', 'acknowledged', 'received', 'missing deliveries'].map(total)).toEqual([
      '20',
      '20',
      '60',
      '0',
    ])
    expect([isWhole, total('clients that connected'), total('refusals and failures')]).toEqual([true, '6', 'none'])
  },
  30_000,
)

it('[X20] users have tokens of the server’s secret, and the report is one page with its figures', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-load-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const report = join(folder, 'report.html')
  const { lines, total } = await run(await serve(), '--as', 'users', '--report', report)
  expect(total('received')).toBe('60')
  expect(lines[0]).toContain('6 plain clients in 2 rooms')
  expect(lines.filter((line) => /^ +\d+ s {2}\d+ clients {2}sent/.test(line)).length).toBeGreaterThan(1)
  const page = readFileSync(report, 'utf8')
  expect(page).toContain('<tr><th>missing deliveries</th><td>0</td></tr>')
  expect(page.match(/<polyline/g)?.length).toBe(9)
  expect(page).not.toMatch(/(?:src|href)=/)
}, 30_000)

it('[X20] a server that refuses is said to, by its codes', async () => {
  const limited = await run(await serve({ ratePerMinute: 2 }))
  expect(limited.total('refusals and failures')).toMatch(/\d+ × RATE_LIMITED/)
  expect(limited.isWhole).toBe(true) // what was refused is not missing
  const none = await serve()
  for (const dialect of ['plain', 'v1', 'socketio', 'sse', 'poll']) {
    const refused = run(none, '--namespace', '/nowhere', '--dialect', dialect)
    await expect(refused, dialect).rejects.toThrow('No client could connect')
  }
  // Without a token only guests come in, and not here.
  await expect(run(none, '--namespace', '/', '--dialect', 'v1')).rejects.toThrow('6 × UNAUTHENTICATED')
  await expect(run('http://127.0.0.1:9')).rejects.toThrow('No client could connect to http://127.0.0.1:9: 6 × ')
  await expect(run(none, '--dialect', 'telex')).rejects.toThrow('--dialect must be plain, v1, socketio, sse, poll')
}, 30_000)
