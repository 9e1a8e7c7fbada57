/** The frameworks of docs/frameworks.md, each installed, built or in development, with a client behind it. Only with `INSTALL=all`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freePort, pinnedNode, ROOT } from '../outside/lib/node.ts'
import { Project, WHOLE } from './lib/project.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures/frameworks')
let project: Project | undefined
let child: ChildProcess | undefined
afterEach(async () => {
  if (child && child.exitCode === null) {
    const ended = new Promise((resolve) => child?.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  project?.dispose()
})

interface Framework {
  readonly packages: readonly string[]
  /** `node` and arguments that build it, and that run it. */
  readonly build?: readonly string[]
  readonly run: (port: number) => readonly string[]
  readonly path: string
  readonly env?: Readonly<Record<string, string>>
}

const kit = ['@sveltejs/kit@3', '@sveltejs/adapter-node@6', '@sveltejs/vite-plugin-svelte', 'svelte@5', 'vite@8']
const next = ['next@16', 'react@19', 'react-dom@19']
const vite = 'node_modules/vite/bin/vite.js'
const frameworks: Readonly<Record<string, readonly [folder: string, framework: Framework]>> = {
  'Next in development': ['next', { packages: next, run: () => ['server.js'], path: '/' }],
  'Next, built': [
    'next',
    {
      packages: next,
      build: ['node_modules/next/dist/bin/next', 'build'],
      run: () => ['server.js'],
      path: '/',
      env: { NODE_ENV: 'production' },
    },
  ],
  Nuxt: [
    'nuxt',
    {
      packages: ['nuxt@4', 'vue@3'],
      build: ['node_modules/.bin/nuxt', 'build'],
      run: () => ['.output/server/index.mjs'],
      path: '/',
    },
  ],
  Nitro: [
    'nitro',
    {
      packages: ['nitropack@2'],
      build: ['node_modules/.bin/nitropack', 'build'],
      run: () => ['.output/server/index.mjs'],
      path: '/hello',
    },
  ],
  SvelteKit: ['sveltekit', { packages: kit, build: [vite, 'build'], run: () => ['server.js'], path: '/' }],
  'SvelteKit in development': [
    'sveltekit',
    { packages: kit, run: (port) => [vite, 'dev', '--port', String(port)], path: '/' },
  ],
}

it('docs/frameworks.md shows what is tried here', () => {
  const page = readFileSync(join(ROOT, 'docs/frameworks.md'), 'utf8')
  for (const [folder, file] of [
    ['next', 'server.js'],
    ['nitro', 'plugins/roomful.ts'],
    ['nuxt', 'server/plugins/roomful.ts'],
    ['sveltekit', 'server.js'],
  ] as const) {
    const lines = readFileSync(join(FIXTURES, folder, file), 'utf8').split('\n')
    const shown = lines.filter(
      (line) => /createServer\(|attach\(|hooks\.hook|prepare\(/.test(line) && !line.includes('memory'),
    )
    expect(shown).not.toEqual([])
    for (const line of shown) expect(page, file).toContain(line.trim().replace(/ \/\/.*/, ''))
  }
})

describe.each(WHOLE ? Object.entries(frameworks) : [])(
  '%s',
  (_name, [folder, { packages, build, run, path, env: own = {} }]) => {
    it('[B15] serves its page and Roomful on one port', async () => {
      project = new Project({ type: 'module' })
      cpSync(join(FIXTURES, folder), project.folder, { recursive: true })
      await project.install('@roomful/server', ...packages)
      if (build) {
        const { code, stdout, stderr } = await project.run('node', build, { env: own, timeoutMs: 180_000 })
        expect(code, stdout + stderr).toBe(0)
      }
      const port = await freePort()
      const { NODE_OPTIONS: _, NODE_ENV: __, VITEST: ___, ...env } = process.env
      child = spawn(pinnedNode(), [...run(port)], {
        cwd: project.folder,
        env: { ...env, ...own, PORT: String(port), HOST: 'localhost' },
        stdio: 'ignore',
      })
      const url = `http://localhost:${port}`
      const page = async (): Promise<string> => (await fetch(url + path)).text()
      await vi.waitFor(async () => expect(await page()).toMatch(/from (?:Next|Nitro|Nuxt|SvelteKit)/), {
        timeout: 60_000,
        interval: 200,
      })
      const client = connect(url, { namespace: '/public', name: 'Ann', transports: ['websocket'] })
      expect((await client.room('lobby').send('Hello')).seq).toBe(1)
      client.close()
    })
  },
  300_000,
)
