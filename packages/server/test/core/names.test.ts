import { describe, expect, it } from 'vitest'
import { NAME_MAX_BYTES, NAME_MAX_CHARACTERS, nameKey, parseName, salvageName } from '../../src/core/base/names.ts'

const family = '👩‍👩‍👧'
const bytesOf = (text: string): number => Buffer.byteLength(text)

describe('[H22] a name', () => {
  it.each([
    'Ann',
    'Zoë',
    "O'Brien",
    'J. R.',
    '李小龍',
    '१२',
    'أليس',
    'דָּוִד',
    'می‌خواهم', // a non-joiner between cursive letters
    'क्‍ष', // a joiner after a virama
    'ශ්‍රී',
    'நி',
    '👩‍👩‍👧',
    'Ann 👋🏽',
    '❤️',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '🇺🇦 Оля',
    '7️⃣',
    '★彡 Bob 彡★',
    '<b>Ann</b>',
  ])('may be %s', (name) => {
    expect(parseName(name)).toEqual({ name })
    expect(salvageName(name)).toBe(name)
    expect(nameKey(nameKey(name))).toBe(nameKey(name))
  })

  it.each([
    ['nothing', ''],
    ['spaces', ' \u00a0\u3000 '],
    ['only what has no width', '\u200b\u200d\u2060\ufeff'],
    ['a filler of Hangul', '\u3164'],
    ['the blank of Braille', '\u2800'],
    ['NUL', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a separator of lines', 'a\u2028b'],
    ['a right-to-left override', 'a\u202eb'],
    ['an isolate', 'a\u2066b\u2069'],
    ['a right-to-left mark', 'א\u200f'],
    ['a soft hyphen', 'a\u00adb'],
    ['a joiner between letters that do not join', 'a\u200db'],
    ['a joiner after an emoji', '👩\u200d'],
    ['a tag without a flag', 'a\u{e0061}'],
    ['private use', '\ue000'],
    ['what is not assigned', '\u0378'],
    ['half a pair', 'a\ud83d'],
    ['a mark on nothing', '\u0301a'],
    ['a stack of marks', `a${'\u0316'.repeat(5)}`],
    ['too many characters', 'x'.repeat(NAME_MAX_CHARACTERS + 1)],
    ['too many bytes', '字'.repeat(NAME_MAX_BYTES / 3 + 1)],
    ['too many bytes in few characters', family.repeat(7)],
    ['a book', 'x'.repeat(1_000_000)],
  ])('is not %s', (_, given) => {
    expect(parseName(given)).toEqual({ flaw: expect.stringMatching(/^A (name|mark) /) })
  })

  it('is kept in normal form C, trimmed, with one space at a time', () => {
    expect(parseName(' Zoe\u0308\u00a0\u3000  Lee ')).toEqual({ name: 'Zoë Lee' })
    expect(parseName('Ａnn')).toEqual({ name: 'Ａnn' })
  })

  it('of a token or a guest is made fit, not refused', () => {
    expect(salvageName(' \u202eA\nnn\u0000 ')).toBe('A nn')
    expect(salvageName(`\u0301a${'\u0316'.repeat(9)}`)).toBe(`a${'\u0316'.repeat(4)}`)
    expect(salvageName('x'.repeat(1_000_000))).toBe('x'.repeat(NAME_MAX_CHARACTERS))
    expect(salvageName(`Ann ${family.repeat(9)}`)).toBe(`Ann ${family.repeat(6)}`)
    expect(salvageName('\u200b \u2800')).toBeUndefined()
  })

  it('is no longer than it may be, in characters as a reader counts them and in bytes', () => {
    expect(parseName('x'.repeat(NAME_MAX_CHARACTERS))).toHaveProperty('name')
    expect(parseName('字'.repeat(NAME_MAX_BYTES / 3))).toHaveProperty('name')
    expect(bytesOf(salvageName('字'.repeat(500)) ?? '')).toBe(NAME_MAX_BYTES)
  })
})

describe('[H22] two names are one', () => {
  it.each([
    ['letter case', 'Zoë LEE', 'zoë lee'],
    ['normal forms', 'Zoë', 'Zoe\u0308'],
    ['compatibility forms', 'Ａnn①', 'Ann1'],
    ['spaces', ' Ann\u00a0 Lee', 'ann lee'],
    ['what cannot be seen', 'A\u200bnn\u00ad', 'Ann'],
    ['how an emoji is drawn', '❤️', '❤'],
    ['case that normal forms show', 'İ', 'i\u0307'],
  ])('by %s', (_, one, other) => {
    expect(nameKey(one)).toBe(nameKey(other))
  })

  it('only then', () => {
    const names = ['Ann', 'Anna', 'Àn', 'An', '👩', '👧', 'An n']
    expect(new Set(names.map(nameKey)).size).toBe(names.length)
  })
})
