/** Finds import cycles: each strongly connected group of files is told once, as one walk around it. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

/** Each cycle as the files on it, the first repeated at the end. */
export function findCycles(graph: ImportGraph): string[][] {
  const done = new Set<string>()
  const cycles: string[][] = []
  const walk = (file: string, path: string[]) => {
    const seenAt = path.indexOf(file)
    if (seenAt >= 0) {
      cycles.push([...path.slice(seenAt), file])
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const next of graph.get(file) ?? []) walk(next, path)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  return cycles
}
