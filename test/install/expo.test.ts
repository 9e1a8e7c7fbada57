/**
 * The application of examples/expo as Expo builds it: its types, its bundle by Metro and Hermes' compiler, and its page rendered by
 * Expo's Jest preset against a server. `INSTALL=all` only, since it installs 400 MB.
 */
import { cpSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { createRoomful } from '@roomful/server'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ROOT } from '../outside/lib/node.ts'
import { Project, WHOLE } from './lib/project.ts'

const JEST = [
  'jest@29',
  'jest-expo@58',
  '@react-native/jest-preset@0.88.0-rc.1',
  '@testing-library/react-native@14',
  'test-renderer@1',
  '@babel/plugin-transform-dynamic-import@7',
]
const LONG_MS = 280_000
const OFFLINE = { EXPO_OFFLINE: '1', EXPO_NO_TELEMETRY: '1', CI: '1' }

it('docs/react-native.md imports what the example imports', () => {
  const page = readFileSync(join(ROOT, 'docs/react-native.md'), 'utf8')
  const example = readFileSync(join(ROOT, 'examples/expo/client.ts'), 'utf8')
  const shared = example.split('\n').filter((line) => line.startsWith('import') && !line.includes('./wake'))
  expect(shared.length).toBe(4)
  for (const line of shared) expect(page).toContain(line.replace(/ \/\/.*/, ''))
})

describe.each(WHOLE ? ['Android'] : [])('an application of Expo on %s', () => {
  let project: Project
  beforeAll(async () => {
    project = new Project()
    cpSync(join(ROOT, 'examples/expo'), project.folder, {
      recursive: true,
      filter: (path) => !/expo\.test\.ts$/.test(path),
    })
    await project.install('--legacy-peer-deps', ...JEST)
  }, LONG_MS)
  afterAll(() => project.dispose())

  it(
    'has types, and is exported for Hermes',
    async () => {
      expect(await project.types('tsconfig.json', 'node_modules/.bin/tsc')).toBe('')
      const args = ['expo', 'export', '--platform', 'android', '--max-workers', '1']
      const { code, stdout, stderr } = await project.run('npx', args, { env: OFFLINE, timeoutMs: LONG_MS })
      expect(code, stdout + stderr).toBe(0)
      const [bundle = ''] = globSync('dist/_expo/static/js/android/*.hbc', { cwd: project.folder })
      const magic = readFileSync(join(project.folder, bundle)).readBigUInt64LE()
      expect(magic).toBe(0x1f1903c103bc1fc6n) // of Hermes' bytecode
    },
    LONG_MS,
  )

  it(
    'talks with a server, rendered by React Native in Jest',
    async () => {
      cpSync(join(import.meta.dirname, 'fixtures/expo'), project.folder, { recursive: true })
      const roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
      onTestFinished(() => roomful.close())
      const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
      const ben = connect(url, { namespace: '/public', name: 'Ben' })
      onTestFinished(() => ben.close())
      const room = ben.room('lobby')
      room.on('message:new', ({ name, content }) => {
        if (name !== 'Ben' && content === 'Hello from Expo') room.send('Hello, phone').catch(() => undefined)
      })
      await room.ready
      const env = { ...OFFLINE, EXPO_PUBLIC_ROOMFUL_URL: url, NODE_ENV: 'test' }
      const { code, stdout, stderr } = await project.run('npx', ['jest', '--forceExit', 'app.test.tsx'], {
        env,
        timeoutMs: LONG_MS,
      })
      expect(code, stdout + stderr).toBe(0)
    },
    LONG_MS,
  )
})
