/** `npm run example -- NAME` runs `examples/NAME/main.ts`; without a name it tells which there are. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = join(import.meta.dirname, '..', 'examples')
const name = process.argv[2]
const main = join(folder, name ?? '', 'main.ts')
if (name !== undefined && existsSync(main)) await import(pathToFileURL(main).href)
else {
  const names = readdirSync(folder).filter((each) => existsSync(join(folder, each, 'main.ts')))
  process.stderr.write(
    `${name === undefined ? 'Which example?' : `There is no example ${name}.`} There are: ${names.join(', ')}\n`,
  )
  process.exitCode = 2
}
