/**
 * A small text generator that runs on this server, so that the page works without a model and a key: it learned which word
 * follows on which from a few sentences. What it says is plausible at most.
 */
const SENTENCES = [
  'A room holds messages, members and a state that belongs to all of them.',
  'A message that grows is one message, so a reader who comes late gets the text so far and then the rest.',
  'The server stores each piece before the members of the room get it.',
  'When a connection is lost, the reader comes back and goes on where the text stands.',
  'A stop on one device ends the answer on all of them, and what was written so far stays in the room.',
  'The text stands in the log of the room when the answer is whole.',
  'A slow reader gets fewer and longer pieces, and the others do not wait for it.',
  'The members of a room read the same answer at the same time, on a phone and in a browser.',
  'An answer that was interrupted says so, and the room goes on.',
  'The log of a room keeps the order of what was said, and the reader gets all of it.',
  'A reader who was away gets what was written meanwhile, whole and in order.',
  'The room goes on when a server is started again, because the log is on the disk.',
]
/** After a full stop, and at the beginning. */
const START = ''
const SENTENCES_MIN = 4
const SENTENCES_SPREAD = 4
/** A sentence that runs in a circle ends here. */
const WORDS_MAX = 40
/** Of the question that is repeated. */
const QUOTE_MAX = 80

const follows = new Map<string, string[]>()
for (const sentence of SENTENCES) {
  let before = START
  for (const word of sentence.split(' ')) {
    follows.set(before, [...(follows.get(before) ?? []), word])
    before = word.endsWith('.') ? START : word
  }
}

/** The words of an answer, each with the space before it. */
export function* answerTo(question: string, random: () => number): Generator<string> {
  const line = question.replace(/\s+/g, ' ').trim()
  const quote = line.length > QUOTE_MAX ? `${line.slice(0, QUOTE_MAX - 1).toWellFormed()}…` : line
  yield* `You asked: “${quote}”`.split(/(?= )/)
  yield '\n\n'
  const count = SENTENCES_MIN + Math.floor(random() * SENTENCES_SPREAD)
  for (let sentence = 0; sentence < count; sentence++) {
    let word = START
    let isWhole = false
    for (let length = 0; length < WORDS_MAX; length++) {
      const next: readonly string[] = follows.get(word) ?? []
      word = next[Math.floor(random() * next.length)] ?? ''
      if (word === '') break
      yield sentence === 0 && length === 0 ? word : ` ${word}`
      isWhole = word.endsWith('.')
      if (isWhole) break
    }
    if (!isWhole) yield '.'
  }
}
