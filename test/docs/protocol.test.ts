/** PROTOCOL.md cannot lag: its lists are made from the code, and what it says in prose is held against the code too. */
import { readFileSync } from 'node:fs'
import {
  ID_AS_KEY_LENGTH,
  KEY_MAX_LENGTH,
  MAX_CHANNELS,
  MAX_FRAMES_PER_MESSAGE,
  RESERVED_FIELDS,
} from '@roomful/protocol'
import { createRoomful } from '@roomful/server'
import { describe, expect, it } from 'vitest'
import { notation } from '../../scripts/lib/docs/notation.ts'
import { protocolSections } from '../../scripts/lib/docs/protocol-sections.ts'
import { fillSections } from '../../scripts/lib/docs/sections.ts'

const page = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8')

describe('PROTOCOL.md', () => {
  it('[W12] its made sections are current (npm run docs:protocol writes them)', () => {
    expect(page).toBe(fillSections(page, protocolSections()))
  })

  it('[W12] numbers and names in its prose are those of the code', () => {
    const prose = page.replaceAll(/\s+/g, ' ')
    expect(prose).toContain(`\`${RESERVED_FIELDS.join(' ')}\``)
    expect(prose).toContain(`\`ch\` (1–${MAX_CHANNELS})`)
    expect(prose).toContain(`up to ${MAX_FRAMES_PER_MESSAGE} with a newline`)
    expect(prose).toContain(`\`key\` (1–${KEY_MAX_LENGTH} characters)`)
    expect(prose).toContain(`string \`id\` of ${ID_AS_KEY_LENGTH} `)
  })

  it('[W12] every example in it is JSON', () => {
    const blocks = Array.from(page.matchAll(/```json\n(.*?)```/gs), ([, block]) => block as string)
    expect(blocks.length).toBeGreaterThan(4)
    for (const block of blocks) {
      for (const example of block.trim().split(/\n(?=\{)/)) expect(() => JSON.parse(example), example).not.toThrow()
    }
  })
})

describe('its section 12', () => {
  it('[W12] lists paths that are there, with the method that they take', async () => {
    await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
    const { url } = await roomful.listen({ port: 0 })
    const listed = Array.from(page.matchAll(/^\| `(GET|POST) (\/[^`]*)` \|/gm), ([, method, path]) => ({
      method,
      path,
    }))
    expect(listed.length).toBeGreaterThan(8)
    for (const { method = '', path = '' } of listed) {
      const response = await fetch(url + path.replace('<room>', 'lobby'), { method })
      await response.arrayBuffer()
      expect([404, 405], `${method} ${path}`).not.toContain(response.status)
    }
  })
})

describe('the notation of schemas', () => {
  it('says what a schema allows', () => {
    expect(notation({ type: 'string', minLength: 1, maxLength: 9 })).toBe('string 1–9')
    expect(notation({ anyOf: [{ const: 'a' }, { type: 'integer', minimum: 0 }] })).toBe("'a' | integer ≥ 0")
    expect(notation({ type: 'object', required: ['a'], properties: { a: {}, b: { type: 'boolean' } } })).toBe(
      '{a: any, b?: boolean}',
    )
  })

  it('refuses what it has no words for, instead of leaving it out', () => {
    expect(() => notation({ type: 'bigint' })).toThrow('no notation')
  })

  it('fills the sections that are marked, and misses none', () => {
    const marked = 'a\n<!-- made: x -->\nold\n<!-- end: x -->\nb'
    expect(fillSections(marked, { x: 'new' })).toBe('a\n<!-- made: x -->\n\nnew\n\n<!-- end: x -->\nb')
    expect(() => fillSections('nothing', { x: 'new' })).toThrow('no section x')
    expect(() => fillSections(marked, {})).toThrow('Nothing makes the section x')
  })
})
