/**
 * Builds the web app when it is not what its sources make: a stamp beside it holds a hash of their names, sizes and bytes.
 * Times would lie, since a checkout and a copy set them anew. Plain JavaScript on Node 20, for `setup.mjs`.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const sources = [
  'package-lock.json',
  'apps/commons/vite.config.ts',
  'apps/commons/web',
  'apps/commons/features',
  'packages/protocol/src',
  'packages/client/src',
  'packages/react/src',
]

/** @returns false when it is stale and cannot be built; the bundler's own words are on stderr then */
export function buildWebAppIfStale(root) {
  const stamp = join(root, 'apps/commons/dist/.stamp')
  const wanted = hashSources(root)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return true
  process.stderr.write('Building the web app…\n')
  const vite = [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn']
  const { status } = spawnSync(nodeOf(root), vite, { cwd: join(root, 'apps/commons'), stdio: ['ignore', 2, 2] })
  if (status === 0) writeFileSync(stamp, wanted)
  return status === 0
}

/** The bundler wants a newer Node than this script does. */
function nodeOf(root) {
  const pinned = join(root, `node_modules/node-${process.platform}-${process.arch}/bin/node`)
  return existsSync(pinned) ? pinned : process.execPath
}

function hashSources(root) {
  const hash = createHash('sha256')
  for (const path of sources) add(hash, root, path)
  return hash.digest('hex')
}

/** A file, or all that is in a folder, in the order of their names. */
function add(hash, root, path) {
  const full = join(root, path)
  if (!existsSync(full)) return
  if (statSync(full).isDirectory()) {
    for (const name of readdirSync(full).sort()) add(hash, root, `${path}/${name}`)
    return
  }
  const bytes = readFileSync(full)
  hash.update(`${path}\n${bytes.length}\n`).update(bytes)
}
