/** What the machine has to offer a test: the pinned Node, a free port. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** A port that nothing listens on right now. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** The Node that the project pins, or this one when it is new enough. */
export function pinnedNode(): string {
  const candidates = [`node-${process.platform}-${process.arch}`, 'node'].map((name) =>
    join(ROOT, 'node_modules', name, 'bin/node'),
  )
  return candidates.find((path) => existsSync(path)) ?? process.execPath
}
