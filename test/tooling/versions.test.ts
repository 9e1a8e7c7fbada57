/** A version run of changesets in a copy of the manifests: each package is raised by itself, and the ranges follow. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { root } from '../../scripts/lib/command.ts'
import { manifestProblems } from '../../scripts/lib/publish/manifest.ts'
import { PUBLISHED, packageName } from '../../scripts/lib/publish/packages.ts'

type Manifest = Record<string, unknown> & { readonly version: string }

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

function copyOfManifests(): string {
  const copy = mkdtempSync(join(tmpdir(), 'roomful-versions-'))
  folders.push(copy)
  for (const path of ['.changeset', 'package.json', 'package-lock.json']) {
    cpSync(join(root, path), join(copy, path), { recursive: true })
  }
  for (const folder of PUBLISHED) {
    mkdirSync(join(copy, 'packages', folder), { recursive: true })
    cpSync(join(root, 'packages', folder, 'package.json'), join(copy, 'packages', folder, 'package.json'))
  }
  return copy
}

function manifestsIn(folder: string): Map<string, Manifest> {
  const read = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8'))
  return new Map(PUBLISHED.map((each) => [packageName(each), read(join(folder, 'packages', each, 'package.json'))]))
}

function runVersion(folder: string): void {
  execFileSync(process.execPath, [join(root, 'node_modules/@changesets/cli/bin.js'), 'version'], {
    cwd: folder,
    stdio: 'pipe',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
}

it('the versions in the manifests are those of a first release', () => {
  const copy = copyOfManifests()
  const names = PUBLISHED.filter((folder) => folder !== 'socket.io') // its version is that of the socket.io it stands for
  for (const folder of names) {
    const path = join(copy, 'packages', folder, 'package.json')
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replaceAll(/("(?:version|@roomful\/\w+)": "\^?)0\.1\.0"/g, '$10.0.0"'),
    )
  }
  const changes = names.map((folder) => `"${packageName(folder)}": minor`)
  writeFileSync(join(copy, '.changeset/first.md'), `---\n${changes.join('\n')}\n---\n\nThe first release.\n`)
  runVersion(copy)
  const shape = ({ version, dependencies, peerDependencies }: Manifest) => ({ version, dependencies, peerDependencies })
  const [raised, committed] = [manifestsIn(copy), manifestsIn(root)]
  for (const name of names.map(packageName)) {
    expect(shape(raised.get(name) as Manifest), name).toEqual(shape(committed.get(name) as Manifest))
    expect(raised.get(name)?.version).toBe('0.1.0')
  }
})

it('a change raises its package, and only those that depend on it', () => {
  const copy = copyOfManifests()
  const before = manifestsIn(copy)
  writeFileSync(join(copy, '.changeset/one.md'), '---\n"@roomful/react": minor\n"roomful": patch\n---\n\nOne.\n')
  runVersion(copy)
  const after = manifestsIn(copy)
  const raised = [...after].filter(([name, { version }]) => version !== before.get(name)?.version)
  expect(Object.fromEntries(raised.map(([name, { version }]) => [name, version]))).toEqual({
    '@roomful/react': '0.2.0',
    roomful: '0.1.1',
  })
})

it('what depends on a raised package asks for the new version', () => {
  const copy = copyOfManifests()
  writeFileSync(join(copy, '.changeset/one.md'), '---\n"@roomful/client": minor\n---\n\nOne.\n')
  runVersion(copy)
  const after = manifestsIn(copy)
  expect(after.get('@roomful/react')).toMatchObject({
    version: '0.1.1',
    dependencies: { '@roomful/client': '^0.2.0' },
  })
  expect(after.get('@roomful/server')?.version).toBe('0.1.0')
  const versionOf = (name: string): string | undefined => after.get(name)?.version
  for (const manifest of after.values()) expect(manifestProblems(manifest, versionOf)).toEqual([])
})
