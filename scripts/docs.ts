/** `npm run docs` builds the documentation site into `dist/docs`; a broken link fails it. `--out FOLDER` builds it elsewhere. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './lib/command.ts'
import { buildSite } from './lib/site/build.ts'

const { values } = parseArgs({ options: { out: { type: 'string', default: join(root, 'dist/docs') } } })
rmSync(values.out, { recursive: true, force: true })
const { pages, brokenLinks } = await buildSite(root, values.out)
for (const sentence of brokenLinks) process.stderr.write(`${sentence}\n`)
if (brokenLinks.length > 0) process.exitCode = 1
else process.stdout.write(`${pages} pages in ${values.out}. Open index.html, or serve the folder to use the search.\n`)
