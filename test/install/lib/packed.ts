/** Before the install tests: builds and packs the packages once, and serves them from a registry on this machine. */
import type { TestProject } from 'vitest/node'
import { runCommand } from '../../../scripts/lib/command.ts'
import { openLocalRegistry } from '../../../scripts/lib/publish/local-registry.ts'
import { packAll } from '../../../scripts/lib/publish/stage.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `.npmrc` of a project that installs from the packed packages. */
    npmrc: string
    /** Tarballs by the name of their package. */
    tarballs: Readonly<Record<string, string>>
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { ok, output } = await runCommand('node', ['scripts/build.ts'], { env: { NODE_OPTIONS: '' } })
  if (!ok) throw new Error(`The packages could not be built:\n${output}`)
  const packed = await packAll()
  const registry = await openLocalRegistry(packed)
  project.provide('npmrc', registry.npmrc)
  project.provide('tarballs', Object.fromEntries(packed.map(({ name, tarball }) => [name, tarball])))
  return () => registry.close()
}
