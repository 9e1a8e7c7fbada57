/** Writes the made sections of PROTOCOL.md from the schemas and catalogues; a test fails while the two differ. */
import { readFileSync, writeFileSync } from 'node:fs'
import { protocolSections } from './lib/docs/protocol-sections.ts'
import { fillSections } from './lib/docs/sections.ts'

const page = new URL('../PROTOCOL.md', import.meta.url)
writeFileSync(page, fillSections(readFileSync(page, 'utf8'), protocolSections()))
