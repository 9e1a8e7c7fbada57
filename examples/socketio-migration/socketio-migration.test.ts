/** One client, unmodified, against both servers; and what it gets from the second without knowing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Chat, type Screen, startChat } from './client.ts'
import { startRooms } from './rooms.ts'
import { startServer } from './server.ts'

const SECRET = 'a secret of this test only, which is long enough'
const key = new TextEncoder().encode(SECRET)
const tokenOf = (sub: string) =>
  new SignJWT({ name: sub }).setProtectedHeader({ alg: 'HS256' }).setSubject(sub).sign(key)

/** What somebody sees, and a way to wait for it. */
class TestScreen implements Screen {
  readonly seen: unknown[][] = []
  private look: () => void = () => undefined
  private note(...what: unknown[]): void {
    this.seen.push(what)
    this.look()
  }
  readonly appendMessage: Screen['appendMessage'] = (message) => this.note('message', message)
  readonly showTypingIndicator = (userId: string): void => this.note('typing', userId)
  readonly showDelivered = (content: string): void => this.note('delivered', content)
  readonly showProblem = (message: string): void => this.note('problem', message)

  /** The first that was seen of this kind, now or later. */
  next(what: string): Promise<unknown> {
    return new Promise((resolve) => {
      this.look = () => {
        const at = this.seen.findIndex(([kind]) => kind === what)
        if (at >= 0) resolve(this.seen.splice(at, 1)[0]?.[1])
      }
      this.look()
    })
  }
}

async function enter(url: string, sub: string, token?: string): Promise<{ chat: Chat; screen: TestScreen }> {
  const screen = new TestScreen()
  const chat = startChat(url, token ?? (await tokenOf(sub)), screen)
  onTestFinished(() => chat.stop())
  if (token !== undefined) return { chat, screen }
  await new Promise<void>((resolve) => chat.socket.once('connect', resolve))
  return { chat, screen }
}

/** Socket.IO's own server, in a process of its own. */
async function startOfficial(secret: string): Promise<{ url: string; close: () => Promise<void> }> {
  const module = JSON.stringify(new URL('server.ts', import.meta.url).href)
  const program = `const { startServer } = await import(${module}); console.log((await startServer('socket.io', '${secret}')).url)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [url] = (await once(child.stdout, 'data')) as [Buffer]
  const close = async (): Promise<void> => {
    child.kill()
    await once(child, 'exit')
  }
  return { url: url.toString().trim(), close }
}

const servers = [
  ['socket.io', startOfficial],
  ['@roomful/socket.io', (secret: string) => startServer('@roomful/socket.io', secret)],
  ["Roomful's own rooms", startRooms],
] as const

describe.each(servers)('the client, unmodified, on %s', (name, start) => {
  it('[C7] [D3] joins, is heard, shows who types, and is told that it was delivered', async () => {
    const server = await start(SECRET, ':memory:')
    onTestFinished(() => server.close())
    const ann = await enter(server.url, 'ann')
    const joined = new Promise((resolve) => ann.chat.socket.once('user:joined', resolve))
    const ben = await enter(server.url, 'ben')
    expect(await joined).toMatchObject({ userId: 'ben' })
    ben.chat.type()
    expect(await ann.screen.next('typing')).toBe('ben')
    ann.chat.send('Hello!')
    expect(await ben.screen.next('message')).toMatchObject({ userId: 'ann', content: 'Hello!' })
    expect(await ann.screen.next('message')).toMatchObject({ userId: 'ann', content: 'Hello!' })
    expect(await ann.screen.next('delivered')).toBe('Hello!')
    const stranger = await enter(server.url, 'stranger', 'no token')
    expect(await stranger.screen.next('problem'), name).toBe('Authentication failed')
  })
})

it("[D3] in Roomful's own rooms it also gets what was said while it was cut off", async () => {
  const data = mkdtempSync(join(tmpdir(), 'roomful-migration-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const server = await startRooms(SECRET, data)
  onTestFinished(() => server.close())
  const ann = await enter(server.url, 'ann')
  const joined = new Promise((resolve) => ann.chat.socket.once('user:joined', resolve))
  const ben = await enter(server.url, 'ben')
  await joined
  const back = new Promise<void>((resolve) => ben.chat.socket.io.once('reconnect', () => resolve()))
  ben.chat.socket.io.engine.close()
  ann.chat.send('While you were away')
  await ann.screen.next('delivered')
  await back
  expect(await ben.screen.next('message')).toMatchObject({ content: 'While you were away', seq: 1 })
})
