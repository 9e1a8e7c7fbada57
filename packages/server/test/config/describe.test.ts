import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  describeFlags,
  describeInMarkdown,
  describeLoaded,
  loadedAsJson,
  withDocstrings,
} from '../../src/config/describe.ts'
import { loadWithOrigins } from '../../src/config/load.ts'
import { allSettings } from '../../src/config/settings.ts'

describe('the settings in words', () => {
  it('docs/settings.md is current (npm run docs:settings writes it)', () => {
    const page = readFileSync(new URL('../../../../docs/settings.md', import.meta.url), 'utf8')
    expect(page).toBe(describeInMarkdown())
  })

  it('the docstrings of the settings are current (npm run docs:settings writes them)', () => {
    const source = readFileSync(new URL('../../src/config/settings-type.ts', import.meta.url), 'utf8')
    expect(source).toBe(withDocstrings(source))
    for (const { name } of allSettings()) expect(source).toMatch(new RegExp(`\\*/\\n  readonly ${name}: `))
  })

  it('help names every flag', () => {
    const help = describeFlags()
    for (const { flag } of allSettings()) expect(help).toContain(`--${flag} `)
  })

  it('shows what is in force and where it came from, but no secret', () => {
    const loaded = loadWithOrigins({ env: { JWT_SECRET: 'do-not-show-this', PORT: '9' } })
    const text = describeLoaded(loaded)
    expect(text).toMatch(/^PORT +9 +PORT$/m)
    expect(text).toMatch(/^JWT_SECRET +\*{8} +JWT_SECRET$/m)
    expect(text + JSON.stringify(loadedAsJson(loaded))).not.toContain('do-not-show-this')
    expect(loadedAsJson(loaded).port).toEqual({ value: 9, from: 'PORT' })
  })
})
