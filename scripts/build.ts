/** `npm run build`: makes `dist` of every published package, lower floors first, since each is compiled against the ones below. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { root, runCommand } from './lib/command.ts'
import { PUBLISHED } from './lib/publish/packages.ts'

for (const name of PUBLISHED) {
  const folder = join('packages', name)
  await rm(join(root, folder, 'dist'), { recursive: true, force: true })
  const { ok, output } = await runCommand('tsc', ['--project', join(folder, 'tsconfig.build.json')])
  process.stdout.write(`${ok ? '✓' : '✗'} ${folder}\n${output}`)
  if (!ok) process.exitCode = 1
}

// The one address in the sources that is no import, so that the compiler leaves it as it is.
const workerRoute = join(root, 'packages/client/dist/tabs/worker-route.js')
const text = await readFile(workerRoute, 'utf8')
await writeFile(workerRoute, text.replace("'./worker.ts'", "'./worker.js'"))
