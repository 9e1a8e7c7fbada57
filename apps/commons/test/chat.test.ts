/** What the chat pages make of messages and texts, without a browser. */
import type { Message } from '@roomful/react'
import { describe, expect, it } from 'vitest'
import { nameProblem, normalizeName } from '../features/rooms/room-names.ts'
import { toParts } from '../web/chat/link-parts.ts'
import { toRows } from '../web/chat/rows.ts'

const NOON = new Date(2026, 0, 5, 12).getTime()
const MINUTE = 60_000

function said(seq: number, userId: string, ts: number): Message {
  return {
    ...{ status: 'sent', id: `r-${seq}`, localId: `r-${seq}`, seq, userId, name: userId, content: `#${seq}` },
    ...{ replyTo: undefined, ts, editedAt: undefined, isRedacted: false, reactions: [] },
  }
}

const shape = (messages: readonly Message[], options: Partial<Parameters<typeof toRows>[1]> = {}): string[] =>
  toRows(messages, { isWhole: false, ...options }).map((row) =>
    row.kind === 'message' ? `${row.isFirst ? '+' : ' '}${row.message.content}` : row.kind,
  )

describe('rows of a conversation', () => {
  it('are grouped by author, and again after a pause or a day', () => {
    const messages = [
      said(1, 'ann', NOON),
      said(2, 'ann', NOON + MINUTE),
      said(3, 'bob', NOON + MINUTE),
      said(4, 'bob', NOON + 7 * MINUTE),
      said(5, 'bob', NOON + 24 * 60 * MINUTE),
    ]
    expect(shape(messages)).toEqual(['day', '+#1', ' #2', '+#3', '+#4', 'day', '+#5'])
    expect(shape(messages, { isWhole: true })[0]).toBe('start')
  })

  it('have a mark before what is new, which begins a group', () => {
    const messages = [said(1, 'bob', NOON), said(2, 'bob', NOON), said(3, 'bob', NOON)]
    expect(shape(messages, { unread: 'r-2' })).toEqual(['day', '+#1', 'unread', '+#2', ' #3'])
    expect(shape(messages, { unread: 'r-9' })).not.toContain('unread')
  })
})

describe('[C19] links in a text', () => {
  const links = (text: string): string[] => toParts(text).flatMap(({ href }) => href ?? [])

  it.each([
    ['see https://example.org.', ['https://example.org/']],
    ['(https://example.org/a_(b))', ['https://example.org/a_(b)']],
    ['http://a.example, HTTPS://B.example!', ['http://a.example/', 'https://b.example/']],
    ['„https://example.org/ä?q=1#x“', ['https://example.org/%C3%A4?q=1#x']],
  ])('%s', (text, expected) => {
    expect(links(text)).toEqual(expected)
    expect(
      toParts(text)
        .map((part) => part.text)
        .join(''),
    ).toBe(text)
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,<script>',
    'ftp://example.org',
    'https://',
    '<a href="x">',
    'no link',
  ])('%s is text', (text) => {
    expect(toParts(text)).toEqual([{ text }])
  })
})

describe('names of rooms', () => {
  it.each(['garden', 'Müllers Küche', 'חדר', '🏡'])('%s is one', (name) => {
    expect(nameProblem(normalizeName(`  ${name} `))).toBeUndefined()
  })

  it.each(['', 'game:1', 'a{b}', 'market', 'x'.repeat(129), '🏡'.repeat(40)])('%s is none', (name) => {
    expect(nameProblem(name)).toEqual(expect.any(String))
  })
})
