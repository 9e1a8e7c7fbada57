/** One room, every client: whatever it speaks, it sees the same messages under the same numbers in the same order. D1. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PARTICIPANTS, type Participant } from './lib/participants.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { until } from './lib/wait.ts'

const ROUNDS = 5
/** What a transport could mangle. */
const CONTENTS = ['plain', 'two\nlines', 'an emoji 👩‍👩‍👧', '"quoted" <b>html</b> \u2028', 'x'.repeat(30_000)]

let server: Server
beforeAll(async () => {
  server = await Server.start({ env: UNLIMITED })
})
afterAll(() => server?.dispose())

describe('[D1] [C9] [C17] [D3] one room', () => {
  it('has every kind of client in it, each of which speaks, and all hear the same under the same numbers', async () => {
    const people: Record<string, Participant> = {}
    for (const [index, [kind, enter]] of Object.entries(PARTICIPANTS).entries()) {
      people[kind] = await enter(server, 'everyone', `user-${index}`)
    }
    const numbers: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const content = CONTENTS[round] as string
      numbers.push(...(await Promise.all(Object.values(people).map((person) => person.say(content)))))
    }
    const total = ROUNDS * Object.keys(PARTICIPANTS).length
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, index) => index + 1))

    const reference = people['a bare WebSocket']
    for (const [kind, { heard }] of Object.entries(people)) {
      if (heard === undefined) continue
      await until(async () => (people[kind]?.heard?.length ?? 0) >= total, { what: `all of it at ${kind}` })
      expect(people[kind]?.heard, kind).toEqual(reference?.heard)
    }
    expect(reference?.heard?.map(({ seq }) => seq)).toEqual(Array.from({ length: total }, (_, index) => index + 1))
    for (const content of CONTENTS)
      expect(reference?.heard?.filter((message) => message.content === content)).toHaveLength(total / ROUNDS)
    await Promise.all(Object.values(people).map((person) => person.leave()))
  })
})
