/** Which names a room may have, and which belong to one user. */
import { inboxOf, isPersonalRoom, isRoomId, ROOM_ID_MAX_BYTES } from '@roomful/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('room ids', () => {
  it.each(['lobby', 'a', 'chat:42', 'with space', 'Räume', '日本', '😀', '__proto__', 'constructor', 'x'.repeat(128)])(
    '[M1] [C14] %s is one',
    (roomId) => expect(isRoomId(roomId)).toBe(true),
  )

  it.each([
    ['empty', ''],
    ['129 bytes', 'x'.repeat(129)],
    ['43 characters of 3 bytes', '日'.repeat(43)],
    ['a newline', 'a\nb'],
    ['NUL', 'a\0b'],
    ['DEL', 'a\x7fb'],
    ['a C1 control', 'a\u0085b'],
    ['a brace', '{a'],
    ['a closing brace', 'a}'],
    ['a lone surrogate', '\ud800'],
    ['not in normal form C', 'e\u0301'],
    ['a bidirectional override', 'a\u202eb'],
    ['a number', 5],
    ['null', null],
    ['an object', { toString: () => 'lobby' }],
  ])('[M1] [C14] %s is none', (_name, roomId) => {
    expect(isRoomId(roomId)).toBe(false)
  })

  it('[M1] a quick look and a long look agree', () => {
    // Any code point, halves of pairs too. (The ready-made unit for this takes seconds to build its tables.)
    const character = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code))
    const anyText = fc.array(character, { maxLength: 140 }).map((characters) => characters.join(''))
    fc.assert(
      fc.property(anyText, (text) => {
        const isGood =
          text !== '' &&
          !/[\p{Cc}\p{Cs}{}\u202a-\u202e\u2066-\u2069]/u.test(text) &&
          text.normalize('NFC') === text &&
          new TextEncoder().encode(text).length <= ROOM_ID_MAX_BYTES
        expect(isRoomId(text)).toBe(isGood)
      }),
    )
  })

  it('[M1] [B23] every user has an inbox, also one with the longest id', () => {
    expect(isRoomId(inboxOf('x'.repeat(128)))).toBe(true)
    expect(isRoomId(inboxOf('x'.repeat(129)))).toBe(false)
  })

  it('[M2] [A1.4] inboxes and connection ids are personal, other rooms are not', () => {
    expect(isPersonalRoom(inboxOf('ann'))).toBe(true)
    expect(isPersonalRoom('c_abc')).toBe(true)
    expect(isPersonalRoom('users')).toBe(false)
    expect(isPersonalRoom('xuser:ann')).toBe(false)
  })
})
