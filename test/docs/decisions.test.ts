/** Decision notes are cited by their number, so two must not share one. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const folder = new URL('../../docs/decisions/', import.meta.url)
const notes = readdirSync(folder).sort()

it('decision notes are numbered from 1, each number once', () => {
  const expected = notes.map((_, index) => String(index + 1).padStart(4, '0'))
  expect(notes.map((name) => name.slice(0, 4))).toEqual(expected)
})

it.each(notes)('%s is named by words, and its heading has no other number', (name) => {
  expect(name).toMatch(/^\d{4}(?:-[a-z0-9]+)+\.md$/)
  const [, number = name.slice(0, 4)] = /^# (?:(\d{4}):? )?\S/.exec(readFileSync(new URL(name, folder), 'utf8')) ?? []
  expect(number).toBe(name.slice(0, 4))
})
