/**
 * Whether an application can read the declarations that a package publishes: what they import must come with the
 * package, types included. In this workspace everything is there anyway, so only looking at the manifest tells.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** One sentence for each import of a declaration file that an application could not resolve. */
export function unreachableTypes(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const shipped = { ...manifest.dependencies, ...manifest.peerDependencies }
  const problems: string[] = []
  for (const file of globSync('dist/**/*.d.ts', { cwd: folder })) {
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [, name = ''] of text.matchAll(/from '((?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^']*)?'/g)) {
      if (!(name in shipped)) problems.push(`${file} imports ${name}, which is no dependency`)
      else if (!hasTypes(folder, name) && !(`@types/${name}` in shipped))
        problems.push(`${file} imports ${name}, whose types are no dependency (@types/${name})`)
    }
  }
  return Array.from(new Set(problems))
}

function hasTypes(folder: string, name: string): boolean {
  const places = createRequire(join(folder, 'package.json')).resolve.paths(name) ?? []
  const place = places.map((path) => join(path, name)).find((path) => existsSync(path))
  if (place === undefined) return false
  return (
    /"(?:types|typings)"\s*:/.test(readFileSync(join(place, 'package.json'), 'utf8')) ||
    existsSync(join(place, 'index.d.ts'))
  )
}
