/** Writes docs/settings.md from the declarations; a test fails while the two differ. */
import { writeFileSync } from 'node:fs'
import { describeInMarkdown } from '../packages/server/src/config/describe.ts'

writeFileSync(new URL('../docs/settings.md', import.meta.url), describeInMarkdown())
