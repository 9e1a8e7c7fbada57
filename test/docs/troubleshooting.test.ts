/** docs/troubleshooting.md has every code that a client can meet, once, with something to do. */
import { readFileSync } from 'node:fs'
import { CLOSE_CODES, ERROR_CODES, type ResetReason } from '@roomful/protocol'
import { describe, expect, it } from 'vitest'
import { CLIENT_ERRORS, type ClientErrorCode } from '../../packages/client/src/errors.ts'

const page = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
const settings = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')

/** What stands in the first cell of the rows of a section that have three cells, none of them empty. */
function firstCells(heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const body = section.split('\n## ')[0] ?? ''
  return Array.from(body.matchAll(/^\| `?(\w+)`? \| \S.+ \| \S.+ \|$/gm), ([, cell = '']) => cell).filter(
    (cell) => !['code', 'reason'].includes(cell),
  )
}

describe('docs/troubleshooting.md', () => {
  it('[E1] has every close code', () => {
    const codes = Object.values(CLOSE_CODES).map(({ code }) => String(code))
    expect(firstCells('The connection was closed')).toEqual(codes)
  })

  it('[Q4] has every error code, of the server and of the SDK', () => {
    const ofClient = { ...CLIENT_ERRORS, WEBSOCKET_BLOCKED: '' } satisfies Record<ClientErrorCode, string>
    const shared = Object.keys(ofClient).filter((code) => code in ERROR_CODES)
    expect(shared).toEqual(['DISCONNECTED'])
    expect(firstCells('A request was refused').sort()).toEqual(
      [...new Set([...Object.keys(ERROR_CODES), ...Object.keys(ofClient)])].sort(),
    )
  })

  it('[V3] has every reason of a gap', () => {
    const reasons = { epoch: true, trimmed: true, too_far: true } satisfies Record<ResetReason, true>
    expect(firstCells('History has a gap: `recovered: false`')).toEqual(Object.keys(reasons))
  })

  it('says whether to come back as the protocol does', () => {
    const row = (code: number) => page.split('\n').find((line) => line.startsWith(`| ${code} |`)) ?? ''
    for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 4008]) expect(row(code)).toContain('Reconnect')
    for (const code of [4001, 4002]) expect(row(code)).toContain('Get a new token')
    for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 4003, 4005, 4009])
      expect(row(code)).not.toContain('Reconnect')
  })

  it('names only settings that exist', () => {
    const named = Array.from(page.matchAll(/`((?:ROOMFUL|JWT|JWKS|CORS|TRUST)_[A-Z_]+)[`=]/g), ([, name = '']) => name)
    expect(named.length).toBeGreaterThan(8)
    for (const name of named) expect(settings, name).toContain(`\`${name}\``)
  })
})
