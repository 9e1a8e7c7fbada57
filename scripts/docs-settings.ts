/** Writes docs/settings.md and the docstrings of the settings from the declarations; a test fails while they differ. */
import { readFileSync, writeFileSync } from 'node:fs'
import { describeInMarkdown, withDocstrings } from '../packages/server/src/config/describe.ts'

writeFileSync(new URL('../docs/settings.md', import.meta.url), describeInMarkdown())

const settingsType = new URL('../packages/server/src/config/settings-type.ts', import.meta.url)
writeFileSync(settingsType, withDocstrings(readFileSync(settingsType, 'utf8')))
