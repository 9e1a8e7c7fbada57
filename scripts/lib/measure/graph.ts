/** The imports of the packages as a graph, type imports included: what depends on what, whether or not it runs. */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { readFacts } from '../floors/source-file.ts'

/** Each file with the files of the same package that it imports, once each. */
export type DependencyGraph = ReadonlyMap<string, ReadonlySet<string>>

/** @param folder from the root of the repository, such as `packages/client/src` */
export function dependencyGraph(root: string, folder: string): DependencyGraph {
  const files = globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root, exclude: ['**/*.test.{ts,tsx}'] })
  const known = new Set(files.map((file) => file.replaceAll('\\', '/')))
  const graph = new Map<string, Set<string>>()
  for (const file of [...known].sort()) {
    const { imports } = readFacts(file, readFileSync(join(root, file), 'utf8'))
    const targets = imports
      .filter(({ specifier, dynamic }) => specifier.startsWith('.') && !dynamic)
      .map(({ specifier }) => posix.join(posix.dirname(file), specifier))
    graph.set(file, new Set(targets.filter((target) => known.has(target))))
  }
  return graph
}

/** Groups of files that all reach one another (strongly connected components of two or more), the largest first. */
export function circles(graph: DependencyGraph): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const path: string[] = []
  const found: string[][] = []
  const visit = (file: string): void => {
    order.set(file, order.size)
    low.set(file, order.size - 1)
    path.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) visit(next)
      if (path.includes(next)) low.set(file, Math.min(low.get(file) ?? 0, low.get(next) ?? 0))
    }
    if (low.get(file) !== order.get(file)) return
    const group = path.splice(path.indexOf(file))
    if (group.length > 1) found.push(group.sort())
  }
  for (const file of graph.keys()) if (!order.has(file)) visit(file)
  return found.sort((a, b) => b.length - a.length)
}

/**
 * Imports that point to a higher floor.
 * @param floors folders below `folder`, the lowest first; a file in none of them stands above all
 */
export function upwardImports(graph: DependencyGraph, folder: string, floors: readonly string[]): string[] {
  const floorOf = (file: string) => {
    const [name = ''] = file.slice(folder.length + 1).split('/')
    const floor = floors.indexOf(name)
    return floor < 0 ? floors.length : floor
  }
  const up: string[] = []
  for (const [file, targets] of graph) {
    for (const target of targets) if (floorOf(target) > floorOf(file)) up.push(`${file} → ${target}`)
  }
  return up
}
