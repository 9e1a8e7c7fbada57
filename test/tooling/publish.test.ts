/** What the manifests of published packages must say, and what is removed from them before they are packed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { root } from '../../scripts/lib/command.ts'
import { manifestProblems, publishedManifest, rangeProblems } from '../../scripts/lib/publish/manifest.ts'
import { PUBLISHED, packageName, TEMPLATES } from '../../scripts/lib/publish/packages.ts'

const manifests = new Map(
  PUBLISHED.map((folder) => {
    const text = readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')
    return [packageName(folder), JSON.parse(text) as Record<string, unknown>] as const
  }),
)
const versionOf = (name: string): string | undefined => manifests.get(name)?.version as string | undefined

it.each([...manifests.keys()])('%s has ranges, a license, and addresses', (name) => {
  const manifest = manifests.get(name) as Record<string, unknown>
  expect(manifest.name).toBe(name)
  expect(manifest.private).toBeUndefined()
  expect(manifestProblems(manifest, versionOf)).toEqual([])
})

it.each(TEMPLATES)('%s asks for the packages of this version', (template) => {
  const manifest = JSON.parse(readFileSync(join(root, template, 'package.json'), 'utf8')) as Record<string, unknown>
  expect(Object.keys(manifest.dependencies ?? {}).some((name) => versionOf(name) !== undefined)).toBe(true)
  expect(rangeProblems(manifest, versionOf)).toEqual([])
})

it('a pin, a stale range and a missing field are found', () => {
  const problems = manifestProblems(
    { name: 'x', exports: {}, dependencies: { ws: '8.1.0', '@roomful/protocol': '^0.0.1' } },
    versionOf,
  )
  expect(problems.join('\n')).toMatch(/pins ws to 8\.1\.0/)
  expect(problems.join('\n')).toMatch(/asks for @roomful\/protocol \^0\.0\.1/)
  expect(problems.join('\n')).toMatch(/has no license/)
})

it('what only the workspace uses is removed', () => {
  const entries = { '.': { source: './src/index.ts', default: './dist/index.js' }, './package.json': './package.json' }
  expect(publishedManifest({ name: 'x', devDependencies: { y: '1' }, exports: entries })).toEqual({
    name: 'x',
    exports: { '.': { default: './dist/index.js' }, './package.json': './package.json' },
  })
})
