/**
 * The packages as a user installs them: from a registry, into an empty project, without the workspace. By default on the
 * oldest line of Node and on the pinned one; `INSTALL=all` adds the one between, TypeScript 5 and React 19.
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePort, pinnedNode } from '../outside/lib/node.ts'
import { nodeOf } from './lib/nodes.ts'
import { Project, WHOLE } from './lib/project.ts'

const versions = WHOLE ? ['22', '24', 'pinned'] : ['22', 'pinned']

/** Types of a CommonJS file, in a form that the workspace's own TypeScript does not allow. */
const COMMON_JS = `
import { createRoomful, type Roomful } from '@roomful/server'
import client = require('@roomful/client')
export const roomful: Roomful = createRoomful()
export const connection = client.connect('http://localhost')
`

describe('an application that installs everything', () => {
  let project: Project
  beforeAll(async () => {
    project = new Project()
    project.copy('esm.mjs', 'cjs.cjs', 'types.ts')
    project.write('types.cts', COMMON_JS)
    const own = ['server', 'client', 'documents', 'testkit', 'socket.io', 'opentelemetry'].map(
      (name) => `@roomful/${name}`,
    )
    const { roomful = '' } = inject('tarballs')
    await project.install(...own, roomful, 'yjs@13', 'vitest@5', 'zod@4', '@types/node@26')
  }, 120_000)
  afterAll(() => project.dispose())

  it.each(versions)('runs as a module and from CommonJS on Node %s', async (version) => {
    const node = version === 'pinned' ? pinnedNode() : await nodeOf(version)
    const [esm, cjs] = await Promise.all([
      project.run('node', ['esm.mjs'], { node }),
      project.run('node', ['cjs.cjs'], { node }),
    ])
    expect(JSON.parse(esm.stdout), esm.stderr).toMatchObject({ content: 'Hello', metrics: 200 })
    expect(JSON.parse(cjs.stdout), cjs.stderr).toEqual({ seq: 1 })
  })

  if (WHOLE)
    it('says on Node 20, from each way in, which Node it needs', async () => {
      const node = await nodeOf('20')
      const imports = await project.run('node', ['--input-type=module', '-e', "import '@roomful/server'"], { node })
      const requires = await project.run('node', ['-e', "require('@roomful/server')"], { node })
      const program = await project.run('node', ['node_modules/.bin/roomful', 'serve'], { node })
      for (const { code, stderr } of [imports, requires, program]) {
        expect([code !== 0, stderr]).toEqual([
          true,
          expect.stringMatching(/Roomful needs Node 22\.13 or later, and this is/),
        ])
      }
    })

  it.each(['nodenext', 'bundler'])('has types for strict TypeScript with %s, also inside the packages', async (how) => {
    const isBundler = how === 'bundler'
    const options = {
      target: 'es2024',
      lib: ['esnext', 'dom'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      module: isBundler ? 'esnext' : 'nodenext',
      moduleResolution: how,
    }
    const files = isBundler ? ['types.ts'] : ['types.ts', 'types.cts']
    project.write(`tsconfig.${how}.json`, JSON.stringify({ compilerOptions: options, files }))
    expect(await project.types(`tsconfig.${how}.json`)).toBe('')
    if (!WHOLE) return
    await project.install('typescript@5.9')
    expect(await project.types(`tsconfig.${how}.json`, 'node_modules/.bin/tsc')).toBe('')
  })

  it('[A2.3] npx roomful serves, prints tokens, and needs no package more', async () => {
    const port = await freePort()
    const args = ['roomful', 'serve', '--port', String(port), '--data', ':memory:']
    const child = execFile(pinnedNode(), [join(project.folder, 'node_modules/.bin/roomful'), ...args.slice(1)], {
      cwd: project.folder,
      env: { PATH: process.env.PATH },
    })
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    await new Promise<void>((resolve) => child.stderr?.once('data', () => resolve()))
    const { status } = await fetch(`http://127.0.0.1:${port}/ready`)
    child.kill('SIGTERM')
    expect([status, await ended]).toEqual([200, 0])
    const { stdout } = await project.run('npx', ['roomful', 'token', '--sub', 'ann'])
    expect(stdout.trim()).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  })

  it('takes the place of socket.io for require and import', async () => {
    const script = `
      const create = require('@roomful/socket.io')
      import('@roomful/socket.io').then(({ Server }) => {
        const io = create(0)
        console.log(io instanceof Server, Object.keys(create).join(), require('@roomful/socket.io/package.json').version)
        io.close()
      })`
    project.write('socketio.cjs', script)
    const { stdout, stderr } = await project.run('node', ['socketio.cjs'])
    expect(stdout, stderr).toMatch(/^true Server,Namespace,Socket 4\.8\.\d+\n$/)
  })

  it('brings its license and readme, and nothing that only the workspace has', () => {
    const installed = Object.keys(inject('tarballs')).filter(
      (each) => !/react|vue|svelte|solid|create|nestjs/.test(each),
    )
    expect(installed).toHaveLength(8)
    for (const name of installed) {
      const folder = join(project.folder, 'node_modules', name)
      const manifest = readFileSync(join(folder, 'package.json'), 'utf8')
      expect(existsSync(join(folder, 'LICENSE')) && existsSync(join(folder, 'README.md')), name).toBe(true)
      expect(manifest).not.toMatch(/"source":|devDependencies/)
    }
  })
})

describe('the server alone', () => {
  let project: Project
  beforeAll(async () => {
    project = new Project()
    project.copy('cjs.cjs', 'esm.mjs')
    await project.install('@roomful/server', '@roomful/client')
  }, 60_000)
  afterAll(() => project.dispose())

  it('runs without pino and prom-client, and says what to install where they are needed', async () => {
    expect(existsSync(join(project.folder, 'node_modules/pino'))).toBe(false)
    const { stdout } = await project.run('node', ['esm.mjs'])
    expect(JSON.parse(stdout)).toMatchObject({ content: 'Hello', metrics: 404 })
    project.write('serve.mjs', "process.argv.push('serve'); await import('@roomful/server/cli')")
    const { stderr, code } = await project.run('node', ['serve.mjs'])
    expect([stderr.trim(), code]).toEqual([expect.stringMatching(/Run: npm install pino@/), 2])
  })
})
