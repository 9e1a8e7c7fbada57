/** The programs of examples/other-languages, as they are: they come back after a cut, miss nothing, and send each line once. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hmacToken } from '../../packages/server/test/auth/bad-tokens.ts'

const PYTHON = process.env.PYTHON ?? '/usr/bin/python3'
const JAVA = '/usr/bin/java'
const SECRET = 'x'.repeat(32)
const FOLDER = new URL('../../examples/other-languages/', import.meta.url).pathname
const token = hmacToken(SECRET, { sub: 'ann', name: 'Ann' })

let roomful: Roomful
let url: string
let child: ChildProcessWithoutNullStreams | undefined

beforeEach(async () => {
  roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET }).standardNamespaces()
  ;({ url } = await roomful.listen({ port: 0, host: '127.0.0.1' }))
})

afterEach(async () => {
  child?.kill()
  await roomful.close()
})

/** Starts a program, and shows what it printed. */
function run(program: string, ...args: string[]) {
  child = spawn(program, args, { cwd: FOLDER })
  const [lines, errors]: string[][] = [[], []]
  createInterface(child.stdout).on('line', (line) => lines?.push(line))
  createInterface(child.stderr).on('line', (line) => errors?.push(line))
  const say = (line: string): unknown => child?.stdin.write(`${line}\n`)
  return { lines: lines as string[], errors: errors as string[], say }
}

const publish = (content: string): Promise<unknown> =>
  roomful.get('/').publish('lobby', 'message:new', [{ userId: 'ben', name: 'Ben', content }])
const cutAll = (): void => {
  for (const link of [...hubOf(roomful).links.open]) link.terminate('cable cut')
}
const until = (lines: string[], expected: string[]): Promise<void> =>
  vi.waitFor(() => expect(lines).toEqual(expected), { timeout: 20_000 })

describe.each([
  ['websocket_chat.py', (at: string) => `${at.replace('http', 'ws')}/ws`, []],
  ['socketio_chat.py', (at: string) => at, []],
  ['socketio_chat.py', (at: string) => at, ['polling']],
  ['socketio_chat.py', (at: string) => at, ['websocket']],
] as const)('%s', (script, urlOf, more) => {
  it(`[C9] [C18] [D2] misses nothing over a cut, and sends what was not acknowledged once ${more.join()}`, async () => {
    const { lines, errors, say } = run(PYTHON, script, urlOf(url), 'lobby', token, ...more)
    const expected = ['joined']
    await until(lines, expected)
    await publish('before 👋')
    say('one')
    expected.push('#1 Ben: before 👋', '#2 Ann: one')
    await vi.waitFor(() => expect([...lines].sort()).toEqual([...expected].sort()), { timeout: 20_000 })
    cutAll()
    await publish('while away')
    say('two')
    // python-socketio may wait for a thread of its own, as long as a heartbeat takes, before it reconnects.
    await vi.waitFor(() => expect(lines.filter((line) => line.startsWith('#'))).toHaveLength(4), { timeout: 60_000 })
    const contents = lines.filter((line) => line.startsWith('#')).map((line) => line.replace(/^#\d+ /, ''))
    expect(contents).toEqual(['Ben: before 👋', 'Ann: one', 'Ben: while away', 'Ann: two'])
    expect(errors).toEqual([])
    const { events } = await roomful.get('/').history('lobby', { limit: 50 })
    expect(events).toHaveLength(4)
  }, 90_000)
})

it('[A2.3] websocket_chat.py ends with the code of a refusal', async () => {
  const { errors } = run(PYTHON, 'websocket_chat.py', `${url.replace('http', 'ws')}/ws`, 'lobby', 'rubbish')
  await vi.waitFor(() => expect(errors).toEqual(['closed: 4001']), { timeout: 20_000 })
})

it('[B31] socketio_chat.py shows the sentence of a refusal', async () => {
  const { errors } = run(PYTHON, 'socketio_chat.py', url, 'lobby', 'rubbish')
  await vi.waitFor(() => expect(errors[0]).toBe('Authentication failed'), { timeout: 20_000 })
})

if (existsSync(JAVA))
  it('[C9] WebSocketChat.java talks with the client of the JDK', async () => {
    const { lines, say } = run(JAVA, 'WebSocketChat.java', `${url.replace('http', 'ws')}/ws`, 'lobby', token)
    await vi.waitFor(() => expect(lines.at(-1)).toContain('"type":"room:joined"'), { timeout: 25_000 })
    say('Hello "there" 👋')
    await vi.waitFor(
      () => expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ seq: 1, content: 'Hello "there" 👋' }),
      {
        timeout: 20_000,
      },
    )
  })
