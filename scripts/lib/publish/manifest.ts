/** The manifest that is published: that of the workspace without what only the workspace uses. */

type Json = Record<string, unknown>

/**
 * Removes development dependencies and the export condition `source`. Another workspace may have a condition of that name,
 * and would be given TypeScript, which Node does not run in `node_modules`.
 */
export function publishedManifest(manifest: Json): Json {
  const { devDependencies: _, scripts: __, exports: entries, ...others } = manifest
  const without = (entry: unknown): unknown => {
    if (typeof entry !== 'object' || entry === null) return entry
    const { source: ___, ...conditions } = entry as Json
    return Object.fromEntries(Object.entries(conditions).map(([name, below]) => [name, without(below)]))
  }
  if (typeof entries !== 'object' || entries === null) return others
  return {
    ...others,
    exports: Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, without(entry)])),
  }
}

/** Sentences about what a manifest lacks before it may be published. */
export function manifestProblems(manifest: Json, version?: (name: string) => string | undefined): string[] {
  const problems: string[] = []
  const name = String(manifest.name)
  const say = (what: string): void => void problems.push(`${name}: ${what}`)
  for (const field of ['description', 'keywords', 'homepage', 'bugs', 'repository', 'license', 'exports', 'files']) {
    if (manifest[field] === undefined && !(field === 'exports' && manifest.bin !== undefined)) say(`has no ${field}`)
  }
  return [...problems, ...rangeProblems(manifest, version)]
}

/** Sentences about dependencies that are pinned, or are an older version of a package of this workspace. */
export function rangeProblems(manifest: Json, version?: (name: string) => string | undefined): string[] {
  const problems: string[] = []
  const say = (what: string): void => void problems.push(`${String(manifest.name)}: ${what}`)
  for (const part of ['dependencies', 'peerDependencies'] as const) {
    for (const [dependency, range] of Object.entries((manifest[part] ?? {}) as Record<string, string>)) {
      if (/^\d/.test(range)) say(`pins ${dependency} to ${range}: a fix in it must reach users without a release here`)
      const own = version?.(dependency)
      if (own !== undefined && range !== `^${own}`) say(`asks for ${dependency} ${range}, which is at ${own}`)
    }
  }
  return problems
}
