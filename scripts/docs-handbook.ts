/** `npm run docs:handbook` runs the programs of the handbook and writes what they print into its pages; names choose some. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { demos, run } from '../examples/handbook/demos.ts'

const chosen = process.argv.slice(2)
for (const name of globSync('*.md', { cwd: new URL('../docs/handbook', import.meta.url).pathname })) {
  const path = new URL(`../docs/handbook/${name}`, import.meta.url)
  let page = readFileSync(path, 'utf8')
  for (const [mark, section] of page.matchAll(/<!-- made: ([a-z-]+) -->[\s\S]*?<!-- end: \1 -->/g)) {
    const demo = demos[section ?? '']
    if (!demo) throw new Error(`${name} shows ${section}, which is no program of the handbook`)
    if (chosen.length > 0 && !chosen.includes(section ?? '')) continue
    const made = `<!-- made: ${section} -->\n\n\`\`\`text\n${await run(demo)}\n\`\`\`\n\n<!-- end: ${section} -->`
    page = page.replace(mark, () => made)
  }
  writeFileSync(path, page)
}
