/** PROTOCOL.md cannot lag: its lists are made from the code, and what it says in prose is held against the code too. */
import { readFileSync } from 'node:fs'
import {
  ID_AS_KEY_LENGTH,
  KEY_MAX_LENGTH,
  MAX_ATTACHMENTS,
  MAX_CHANNELS,
  MAX_FRAMES_PER_MESSAGE,
  RESERVED_FIELDS,
} from '@roomful/protocol'
import { createRoomful } from '@roomful/server'
import { describe, expect, it } from 'vitest'
import { ABUSE_FACTOR, ABUSE_WINDOW_MS } from '../../packages/server/src/core/base/limits.ts'
import { CORE_DEFAULTS } from '../../packages/server/src/core/base/settings.ts'
import {
  PREAUTH_MAX_BYTES,
  PREAUTH_MAX_MESSAGES,
  STALLED_MS,
  UNLOGGED_MAX_BYTES,
} from '../../packages/server/src/core/link/link.ts'
import {
  PRESENCE_BY_NAME_MAX,
  PRESENCE_INTERVAL_MS,
} from '../../packages/server/src/core/rooms/presence/presence-feed.ts'
import { EVERYONE_MAX } from '../../packages/server/src/core/rooms/presence/user-presence.ts'
import { EXPIRY_GRACE_MS, EXPIRY_NOTICE_MS } from '../../packages/server/src/core/sessions/identities.ts'
import { JOINS_PER_SECOND } from '../../packages/server/src/core/state/limits.ts'
import { QUEUE_HARD_LIMIT, QUEUE_SOFT_LIMIT } from '../../packages/server/src/core/state/namespace-state.ts'
import { TYPING_MS } from '../../packages/server/src/vocabulary/typing.ts'
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
    expect(prose).toContain(`${JOINS_PER_SECOND} joins a second`)
    expect(prose).toContain(`${MAX_ATTACHMENTS} pieces of binary`)
    expect(prose).toContain(`${QUEUE_SOFT_LIMIT} requests waiting behind one`)
    expect(prose).toContain(`(${thousands(QUEUE_HARD_LIMIT)} close 1008)`)
    expect(prose).toContain(`${PREAUTH_MAX_MESSAGES} messages and ${PREAUTH_MAX_BYTES / 1024} KiB in all`)
    expect(ABUSE_FACTOR).toBe(10)
    expect(prose).toContain(`ten times the rate over ${ABUSE_WINDOW_MS / 1000} s`)
    expect(prose).toContain(`nothing for ${STALLED_MS / 1000} s, or more than ${UNLOGGED_MAX_BYTES / 1024 ** 2} MiB`)
    expect(prose).toContain(`${EXPIRY_NOTICE_MS / 1000} s before a token expires`)
    expect(prose).toContain(`${EXPIRY_GRACE_MS / 1000} s after it the connection is closed with 4002`)
    expect(prose).toContain(`Up to ${PRESENCE_BY_NAME_MAX} members each change`)
    expect(prose).toContain(`later ones at most every ${PRESENCE_INTERVAL_MS} ms`)
    expect(prose).toContain(`to everyone up to ${thousands(EVERYONE_MAX)} connections`)
    expect(prose).toContain(`Typing ends by itself ${TYPING_MS / 1000} s after`)
    expect(prose).toContain(`stays a member for ${CORE_DEFAULTS.presenceGraceMs / 1000} s`)
  })

  it('[W12] its welcome is the one that a server sends by default', async () => {
    await using roomful = createRoomful({ data: ':memory:' }).standardNamespaces()
    const { port } = await roomful.listen({ port: 0 })
    const socket = new WebSocket(`ws://localhost:${port}/ws/public`)
    const sent = await new Promise<object>((resolve) => {
      socket.onmessage = ({ data }) => resolve(JSON.parse(String(data)))
    })
    socket.close()
    const [, example = ''] = /```json\n(\{"type":"welcome".*?)```/s.exec(page) ?? []
    expect(sent).toEqual({ ...JSON.parse(example), id: expect.stringMatching(/^c_/), now: expect.any(Number) })
  })

  it('[W12] every example in it is JSON', () => {
    const blocks = Array.from(page.matchAll(/```json\n(.*?)```/gs), ([, block]) => block as string)
    expect(blocks.length).toBeGreaterThan(4)
    for (const block of blocks) {
      for (const example of block.trim().split(/\n(?=\{)/)) expect(() => JSON.parse(example), example).not.toThrow()
    }
  })
})

function thousands(count: number): string {
  return count.toLocaleString('en')
}

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
