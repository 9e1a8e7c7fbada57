/** The session is stored with the join, so that a client recovers although its server could not say goodbye. D3. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { client, connect, next, SECRET, token } from './serve.ts'

const child = new URL('./kill-child.ts', import.meta.url).pathname

/** @returns the port, and what kills the server at once */
async function live(data: string, port: number): Promise<{ port: number; kill: () => Promise<void> }> {
  const args = ['--conditions=source', child, data, String(port), SECRET]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void server.kill('SIGKILL'))
  const [told] = (await once(server.stdout, 'data')) as [Buffer]
  const kill = async (): Promise<void> => {
    const exited = once(server, 'exit')
    server.kill('SIGKILL')
    await exited
  }
  return { port: Number(told.toString()), kill }
}

it('[D3] [J14] a client recovers after kill -9 of the server', async () => {
  const data = mkdtempSync(join(tmpdir(), 'roomful-kill-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const first = await live(data, 0)
  const url = `http://localhost:${first.port}`
  const ann = client(url, 'websocket', { auth: { token: await token('ann') } })
  await next(ann, 'connect')
  const heard: unknown[] = []
  ann.on('message:new', ({ seq, content }) => heard.push([seq, content]))
  const say = (content: string) => ann.emitWithAck('message:send', { roomId: 'a', content })
  await ann.emitWithAck('room:join', 'a')
  await say('before') // its commit takes the session along
  const back = next(ann, 'connect')
  await first.kill()
  await live(data, first.port)
  await back
  expect(ann.recovered).toBe(true)
  const ben = await connect(url, 'polling', 'ben')
  await ben.emitWithAck('message:send', { roomId: 'a', content: 'after' })
  await ann.emitWithAck('room:list')
  expect(heard).toEqual([
    [1, 'before'],
    [2, 'after'],
  ])
})
