/** `npm create roomful`: each template is created, installed, started as a user would, and two clients meet in it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { messagesOf, type SentMessage } from '@roomful/client/messages'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { freePort } from '../outside/lib/node.ts'
import { Project } from './lib/project.ts'

let project: Project | undefined
let started: ChildProcess | undefined
afterEach(async () => {
  await stop().finally(() => project?.dispose())
  project = undefined
})

/** Ends npm and what it started. */
async function stop(): Promise<void> {
  const child = started
  started = undefined
  if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid, 'SIGTERM')
  await ended
}

async function create(args: readonly string[]) {
  project ??= new Project()
  const tarball = inject('tarballs')['create-roomful'] ?? ''
  return {
    project,
    ...(await project.run('npm', ['exec', '--yes', `--package=${tarball}`, '--', 'create-roomful', ...args])),
  }
}

/** Runs a script of the manifest until it prints where it is. @returns the address */
async function start(folder: string, script: string): Promise<string> {
  const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...others } = process.env
  const env = { ...others, PORT: String(await freePort()) }
  const child = spawn('npm', ['run', script], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  started = child
  let output = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output += bytes
        const [, url] = /Open (http:\S+)/.exec(output) ?? []
        if (url !== undefined) resolve(url)
      })
    }
    child.once('exit', () => reject(new Error(`npm run ${script} ended:\n${output}`)))
  })
}

describe.each([
  ['react-chat', ['dev', 'start'], '/chat', ['/']],
  ['assistant', ['start'], '/chat', ['/']],
  ['express', ['start'], '/lobby', ['/', '/page.js', '/modules/client/dist/index.js', '/hello']],
  ['websocket', ['start'], '/lobby', ['/']],
] as const)('the template %s', (template, scripts, namespace, paths) => {
  it('[B15] serves its page, and a room where two clients meet', async () => {
    const created = await create(['My App', '--template', template])
    expect(created.code, created.stderr).toBe(0)
    const folder = join(created.project.folder, 'My App')
    expect(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).toMatchObject({ name: 'my-app' })
    const inside = new Project({}, folder)
    await inside.install()
    if (template === 'react-chat' || template === 'assistant')
      expect(await inside.types('tsconfig.json', 'node_modules/.bin/tsc')).toBe('')
    for (const script of scripts) {
      const url = await start(folder, script)
      for (const path of paths) expect((await fetch(url + path)).status, path).toBe(200)
      await meet(url, namespace)
      if (template === 'assistant') expect(await ask(url, namespace)).toContain('You asked “Hello?”')
      await stop()
    }
  })
})

async function meet(url: string, namespace: string): Promise<void> {
  const [ann, bob] = ['Ann', 'Bob'].map((name) => connect(url, { namespace, name }))
  const room = bob?.room('room-lobby')
  const received = new Promise<string>((resolve) => room?.on('message:new', ({ content }) => resolve(content)))
  await room?.ready
  await ann?.room('room-lobby').send('Hello')
  expect(await received).toBe('Hello')
  ann?.close()
  bob?.close()
}

/** @returns what the assistant said before it was stopped */
async function ask(url: string, namespace: string): Promise<string> {
  const ann = connect(url, { namespace, name: 'Ann' })
  const store = messagesOf(ann, 'room-question')
  store.subscribe(() => undefined)
  const answer = () => store.getSnapshot().messages.find(({ name }) => name === 'Assistant') as SentMessage
  await ann.room('room-question').ready
  store.send('Hello?')
  await vi.waitFor(() => expect(answer()).toMatchObject({ state: 'streaming' }), 10_000)
  const { seq } = answer()
  await vi.waitFor(() => expect(store.textOf(seq).getSnapshot()).toContain('Hello?'), 10_000)
  await store.stop(seq)
  await vi.waitFor(() => expect(answer().state).toBe('cancelled'), 10_000)
  ann.close()
  return answer().content
}

it('a template that does not exist, and a folder that is not empty, are sentences', async () => {
  const unknown = await create(['app', '--template', 'angular'])
  expect([unknown.code, unknown.stderr]).toEqual([
    2,
    expect.stringMatching(/^There is no template angular\. There are: react-chat/),
  ])
  const full = await create(['.', '--template', 'websocket'])
  expect([full.code, full.stderr]).toEqual([2, expect.stringMatching(/is not empty\. Name a new folder\./)])
})
