/** Writes docs/api from the docstrings of what the packages export: one page a package. The folder is not committed. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './lib/command.ts'
import { apiPages } from './lib/docs/api-pages.ts'

const folder = join(root, 'docs/api')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const pages = apiPages(root)
for (const [name, text] of pages) writeFileSync(join(folder, `${name}.md`), text)
process.stdout.write(`${pages.size} pages in docs/api\n`)
