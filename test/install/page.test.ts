/** The hooks in a page that Vite builds, with the React that a user has. `INSTALL=all` adds React 19 to React 18. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Project, WHOLE } from './lib/project.ts'

describe.each(WHOLE ? [18, 19] : [18])('a page with React %i', (version) => {
  let project: Project
  beforeAll(async () => {
    project = new Project({ type: 'module' })
    project.copy('page')
    const react = [`react@${version}`, `react-dom@${version}`, `@types/react@${version}`, `@types/react-dom@${version}`]
    await project.install(...react, '@roomful/react', '@roomful/server', 'vite@8', 'happy-dom@21')
  }, 120_000)
  afterAll(() => project.dispose())

  it('[B21] is built by Vite, type-checked, and shows what the room says', async () => {
    const options = { jsx: 'react-jsx', module: 'esnext', moduleResolution: 'bundler', strict: true, noEmit: true }
    const checked = { ...options, lib: ['esnext', 'dom'], types: [], skipLibCheck: true }
    project.write('tsconfig.json', JSON.stringify({ compilerOptions: checked, files: ['page/main.tsx'] }))
    expect(await project.types('tsconfig.json')).toBe('')
    const built = await project.run('npx', ['vite', 'build', 'page', '--outDir', '../dist', '--logLevel', 'warn'])
    expect(built.code, built.stderr + built.stdout).toBe(0)
    project.copy('page/open.mjs')
    const { stdout, stderr } = await project.run('node', ['page/open.mjs'])
    expect(stdout, stderr).toMatch(/^open: Ann said Hello, Hello!/)
  })
})
