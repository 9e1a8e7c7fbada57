/**
 * What a name may be, and which two are one: accounts, guests and the `name` of a token all go by it. It is the Nickname
 * profile of PRECIS (RFC 8266), which takes every letter, mark, digit, symbol and punctuation sign, with two additions of
 * the field: emoji sequences, held together by what PRECIS forbids (UTS #51), and a bound on stacks of marks (UTS #39,
 * 5.4). A name is kept as it was written, in normal form C; compatibility forms count only for which two are one.
 */

/** As a reader counts them: an emoji of seven code points is one. */
export const NAME_MAX_CHARACTERS = 64
/** Leaves room for the number that makes a guest's name unique: on the wire a name has at most 128 characters. */
export const NAME_MAX_BYTES = 120

const TOO_LONG = `A name has at most ${NAME_MAX_CHARACTERS} characters, and ${NAME_MAX_BYTES} bytes of UTF-8`
/** More is not looked at. */
const READ_MAX = 4 * NAME_MAX_BYTES

/** Most names, at one test. */
const ORDINARY = /^(?=.{1,64}$)[\w.'-]+(?: [\w.'-]+)*$/

/** Control, format, private and unassigned characters, line breaks, what is drawn as nothing; and the blank of Braille. */
const HIDDEN = String.raw`[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]`
/** An emoji that this Unicode knows, or a chain of pictographs as the next one may have it. */
const PICTOGRAPH = String.raw`\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0e\ufe0f]?`
const EMOJI = String.raw`\p{RGI_Emoji}|${PICTOGRAPH}(?:\u200d${PICTOGRAPH})*`
/** Where a joiner or a non-joiner changes what is read: after a virama, and between cursive letters. RFC 5892, A.1 and A.2. */
const VIRAMA = String.raw`[\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca]`
const CURSIVE = String.raw`[\p{Script=Arabic}\p{Script=Syriac}\p{Script=Mongolian}\p{Script=Nko}]`
const JOINER = String.raw`(?<=${VIRAMA})[\u200c\u200d]|(?<=${CURSIVE})\u200c(?=${CURSIVE})`

const HIDDEN_OR_NEEDED = new RegExp(`(${EMOJI}|${JOINER})|${HIDDEN}`, 'gv')
const ALL_HIDDEN = new RegExp(HIDDEN, 'gv')
const LINE_BREAKS = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
const SPACES = /\p{Zs}+/gu
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u
const MARKS_FIRST = /^\p{M}[\p{M} ]*/u
const STACKED_MARKS = /(?<=[\p{Mn}\p{Me}]{4})[\p{Mn}\p{Me}]/gu

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const utf8 = new TextEncoder()

/** @returns the name as it is kept, or why it is none, in a sentence for the person */
export function parseName(given: string): { readonly name: string } | { readonly flaw: string } {
  if (given.length > READ_MAX) return { flaw: TOO_LONG }
  const name = tidy(given)
  if (name === '') return { flaw: `A name has 1 to ${NAME_MAX_CHARACTERS} characters` }
  if (name !== withoutHidden(name)) return { flaw: 'A name has only characters that can be seen' }
  if (name !== withoutLooseMarks(name)) return { flaw: 'A mark stands on a letter, and at most 4 on one' }
  if (name !== cut(name)) return { flaw: TOO_LONG }
  return { name }
}

/** For a name that its user cannot correct: @returns what can be shown of it, if anything can */
export function salvageName(given: string): string | undefined {
  if (given === '') return undefined
  if (ORDINARY.test(given)) return given
  const line = tidy(given.slice(0, READ_MAX).replace(LINE_BREAKS, ' '))
  const name = cut(tidy(withoutLooseMarks(withoutHidden(line))))
  return VISIBLE.test(name) ? name : undefined
}

/**
 * What names are compared by (RFC 8266, 2.4): two are one when they differ by letter case, compatibility forms, spaces or
 * what cannot be seen.
 */
export function nameKey(name: string): string {
  if (ORDINARY.test(name)) return name.toLowerCase()
  return tidy(name.normalize('NFKC').toLowerCase().normalize('NFKC').replace(ALL_HIDDEN, ''))
}

function tidy(text: string): string {
  return text.normalize('NFC').replace(SPACES, ' ').trim()
}

function withoutHidden(text: string): string {
  return text.replace(HIDDEN_OR_NEEDED, '$1')
}

function withoutLooseMarks(text: string): string {
  return text.replace(MARKS_FIRST, '').replace(STACKED_MARKS, '')
}

/** Between two characters, never within one. */
function cut(name: string): string {
  let kept = ''
  let characters = 0
  let bytes = 0
  for (const { segment } of graphemes.segment(name)) {
    bytes += utf8.encode(segment).length
    if (++characters > NAME_MAX_CHARACTERS || bytes > NAME_MAX_BYTES) break
    kept += segment
  }
  return kept.trim()
}
