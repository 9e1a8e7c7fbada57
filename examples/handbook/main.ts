/** Run it: `npm run example -- handbook handshake`. Without a name it lists which there are. */
import { demos, run } from './demos.ts'

const name = process.argv[3]
const demo = name === undefined ? undefined : demos[name]
if (demo) process.stdout.write(`${await run(demo)}\n`)
else {
  process.stderr.write(`Which one? There are: ${Object.keys(demos).join(', ')}\n`)
  process.exitCode = 2
}
