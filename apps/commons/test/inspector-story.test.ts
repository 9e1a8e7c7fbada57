/** The story of a connection as an administrator reads it. D8. */
import { expect, it } from 'vitest'
import { Endings } from '../features/inspector/endings.ts'
import type { Chapter, Story } from '../features/inspector/inspection.ts'
import { peopleOf } from '../features/inspector/people.ts'
import { closing, stepsOf } from '../features/inspector/story-steps.ts'

const connection = {
  ...{ connectionId: 'c_1', namespace: '/', userId: 'ann', name: 'Ann', role: 'user' },
  ...{ ip: '192.0.2.1', userAgent: 'test', openedAt: 1 },
}

function sentences(chapters: Omit<Chapter, 'at'>[], ending: Story['ending'] = null): string[] {
  const numbered = chapters.map((chapter, index) => ({ at: index + 2, ...chapter }) as Chapter)
  return stepsOf({ connection, chapters: numbered, forgotten: 0, ending }).map(
    ({ sentence, isTrouble }) => `${isTrouble ? '! ' : ''}${sentence}`,
  )
}

it('[D8] has a sentence for each kind of step, and marks what may be why an event was not seen', () => {
  const lobby = { roomId: 'lobby', seq: 45 }
  expect(
    sentences(
      [
        { type: 'room:joined', ...lobby, after: 45 },
        { type: 'room:joined', ...lobby, after: 40, recovered: true },
        { type: 'room:joined', ...lobby, after: 45, recovered: true },
        { type: 'room:joined', ...lobby, after: 45, recovered: false, reason: 'epoch' },
        { type: 'behind' },
        { type: 'caught-up', events: 1 },
        { type: 'catch-up:failed' },
        { type: 'rate-limited', scope: 'user' },
        { type: 'refused', event: 'message:send', code: 'FORBIDDEN' },
        { type: 'room:left', ...lobby, reason: 'left' },
        { type: 'room:left', ...lobby, seq: 0, reason: 'left' },
        { type: 'something:new' },
      ],
      { at: 99, reason: '4009 Too loud' },
    ),
  ).toEqual([
    'Connected to /',
    'Joined lobby, receiving from event 46',
    'Rejoined lobby, receiving from event 41',
    'Rejoined lobby, nothing missed',
    '! Rejoined lobby, but missed events couldn’t be recovered (epoch), receiving from event 46',
    '! Fell behind: the client reads slowly, so events wait in the log',
    'Caught up with 1 event from the log',
    '! Couldn’t be sent what it missed',
    '! Hit a rate limit (per user)',
    '! message:send was rejected: FORBIDDEN',
    'Left lobby (left), received up to event 45',
    'Left lobby (left), before its first event',
    'something:new',
    'Closed with 4009: disconnected by the server, “Too loud”',
  ])
})

it('[D8] knows people by name, in whatever case, and by id', () => {
  const people = peopleOf([
    { userId: 'u_1', name: 'Ann' },
    { userId: 'u_2', name: 'Bob' },
    { userId: 'u_2', name: 'Robert' },
    { userId: 'ann', name: 'Zoe' },
    { userId: 'u_3', name: 'bob' },
  ])
  expect(people.names).toEqual(['Ann', 'Bob', 'Zoe', 'bob'])
  expect(['ann', 'ANN', 'bob', 'no-one'].map(people.idsOf)).toEqual([['ann'], ['u_1'], ['u_2', 'u_3'], []])
  expect(['u_2', 'u_9'].map(people.nameOf)).toEqual(['Bob', 'u_9'])
})

it.each([
  ['1001', '1001: page closed or server stopped'],
  ['4321', '4321'],
  ['4321 in words', '4321: “in words”'],
])('[D8] explains a code: %s', (reason, meaning) => expect(closing(reason)).toBe(meaning))

it('[D8] remembers the hundred connections that ended last, the latest first', () => {
  let now = 0
  const endings = new Endings(() => ++now)
  const user = { sub: 'ann', name: 'Ann', role: 'user' }
  for (let i = 0; i < 150; i++) {
    const ended = {
      id: `c_${i}`,
      ip: '192.0.2.1',
      userAgent: 'test',
      auth: 'authenticated',
      user,
      namespace: { name: '/' },
    } as const
    endings.observe({ type: 'connection:closed', connection: ended, reason: '1001', durationMs: 5 })
  }
  endings.observe({ type: 'behind', connectionId: 'c_1' })
  const ids = endings.list().map(({ connectionId }) => connectionId)
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([100, 'c_149', 'c_50'])
  expect(endings.list()[0]).toMatchObject({ userId: 'ann', namespace: '/', endedAt: 150, reason: '1001' })
})
