/** Builds the web app when it is stale, as `npm start` does. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../../outside/lib/node.ts'

export function buildWebApp(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/setup.mjs'), '--web'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (status !== 0) throw new Error(`The web app could not be built:\n${stderr}`)
}
