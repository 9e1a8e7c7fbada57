/**
 * The SDK as React Native gets it: bundled by Metro with React Native's preset, read by the compiler of Hermes, run with the
 * real polyfills. `INSTALL=all` only, since it installs 120 MB.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Project } from './lib/project.ts'

const METRO = ['metro@0.87', '@react-native/babel-preset@0.88', '@react-native/metro-babel-transformer@0.88']
const POLYFILLS = ['react-native-url-polyfill@4', 'react-native-get-random-values@2']

describe('an application for React Native on Hermes', () => {
  let project: Project
  beforeAll(async () => {
    project = new Project({ type: 'module' })
    project.write('babel.config.cjs', `module.exports = { presets: ['@react-native/babel-preset'] }`)
    project.copy('react-native')
    const ours = ['@roomful/client', '@roomful/server', 'ws@8']
    await project.install('--legacy-peer-deps', ...ours, ...METRO, ...POLYFILLS, 'hermes-compiler')
  }, 240_000)
  afterAll(() => project.dispose())

  it('is bundled by Metro, compiled by Hermes, and talks with a server', async () => {
    const bundled = await project.run('node', ['react-native/bundle.mjs'])
    expect(bundled.code, bundled.stderr + bundled.stdout).toBe(0)
    expect(readFileSync(join(project.folder, 'bundle.js'), 'utf8')).not.toContain('new SharedWorker')
    const hermes = join(project.folder, 'node_modules/hermes-compiler/hermesc/linux64-bin/hermesc')
    const compiled = await project.run(hermes, ['-w', '-emit-binary', '-out', 'bundle.hbc', 'bundle.js'])
    expect(compiled.code, compiled.stderr).toBe(0)
    project.copy('react-native/run.mjs')
    const { stdout, stderr } = await project.run('node', ['react-native/run.mjs'])
    expect(stdout, stderr).toBe('Ann: Hello from Hermes\nopen websocket 1\n')
  })
})
