/** What the pages of the handbook print is what their programs print, but for numbers, ids and moments. */
import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { demos, run } from './demos.ts'

const root = new URL('../..', import.meta.url).pathname
const pages = globSync('docs/handbook/*.md', { cwd: root }).map((path) => readFileSync(root + path, 'utf8'))
const shown = new Map(
  pages.flatMap((page) =>
    Array.from(
      page.matchAll(/<!-- made: ([a-z-]+) -->\s*```text\n([\s\S]*?)\n```\s*<!-- end: \1 -->/g),
      ([, name = '', text = '']) => [name, text] as const,
    ),
  ),
)

/** Without what differs from run to run. */
function masked(text: string): string {
  return text
    .replaceAll(/[AB]\d\b/g, 'message') // who of two was first
    .replaceAll(/(?<=")(?=\w*\d)[\w-]{10,}/g, 'id')
    .replaceAll(/(?<=id: )\w+/g, 'id')
    .replaceAll(/(?!\b(?:10|40)\d\d\b)\b\d+(?:\.\d+)?/g, '0') // close codes stay
    .replaceAll(/ +/g, ' ')
}

it('shows the output of every program once', () => {
  expect([...shown.keys()].sort()).toEqual(Object.keys(demos).sort())
})

it.each(Object.entries(demos))(
  '%s prints what the handbook says',
  async (name, demo) => {
    expect(masked(await run(demo))).toBe(masked(shown.get(name) ?? ''))
  },
  120_000,
)

/** The questions of the documents that docs/requirements.md names, with the page and the words of their heading. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  'connections.md': [
    ...['B1 — Half duplex', 'B2 — The opening handshake', 'B4 — `ws://`', 'C1 — Life and ready states'],
    ...['C1 — HTTP and WebSocket', 'C1 — WebSocket or REST'],
  ],
  'closing.md': ['B5 — Close codes', 'A3.5 — `close()`', 'A1.6 — What ends', 'C15 — Shutting down'],
  'transports.md': [
    ...['B3 — A WebSocket for the comments', 'B7 — HTTP/2 server push', 'B9, B10 — Short and long', 'B12 — Bandwidth'],
    ...['B14 — A dashboard', 'C17 — WebSocket, SSE'],
  ],
  'socket-io.md': [
    ...['B13 — Why a Socket.IO client', 'C9 — Socket.IO and a raw', 'B16 — What is wrong', 'B20 — Three ways'],
    ...['B29 — Some rooms', 'B30 — A room that does not exist', 'B26 — Namespaces', 'C9 — The words', 'B37 — “Max'],
  ],
  'server.md': ['A3.1 — What is in', 'A3.2 — Serialise', 'A3.3 — A socket without', 'A3.4 — Credentials'],
  'practice.md': [
    ...['C16 — The table', 'C18 — Reconnecting', 'C19 — Securing', 'C20 — Scaling', 'C21 — Order', 'C22 — Memory'],
    'C14 — Errors',
  ],
}

describe.each(Object.entries(QUESTIONS))('%s', (name, headings) => {
  const sections = readFileSync(`${root}docs/handbook/${name}`, 'utf8').split(/^## /m).slice(1)

  it('answers each question under the id of its row, and no others', () => {
    expect(sections.length).toBe(headings.length)
    for (const [index, heading] of headings.entries()) expect(sections[index]?.startsWith(heading), heading).toBe(true)
  })

  it('shows each answer by a program, a test or a table, and names where', () => {
    for (const section of sections) {
      const paths = Array.from(
        section.matchAll(/`((?:packages|test|examples|deploy|bench)\/[\w./-]+)/g),
        ([, path]) => path,
      )
      const isShown = section.includes('<!-- made: ') || paths.length > 0 || /\]\([\w./-]+\.md|^\| /m.test(section)
      expect(isShown, section.split('\n')[0]).toBe(true)
    }
  })
})
