/** The assistant: each question of a person gets one answer that grows, three at once, until it is whole or stopped. D17. */
import type { TestClient } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { ASSISTANT_ROOM } from '../features/assistant/assistant-room.ts'
import { answerTo } from '../features/assistant/generator.ts'
import { addAssistant } from '../features/assistant/server.ts'
import { testCommons } from './support/commons.ts'

const inRoom = { roomId: ASSISTANT_ROOM }
const begun = (client: TestClient) => client.messages('chat:message').filter(({ streaming }) => streaming)
const ended = (client: TestClient) => client.messages('message:ended')
const textOf = (client: TestClient, target: unknown): string =>
  client
    .messages('message:piece')
    .flatMap(({ seq, text }) => (seq === target ? [text] : []))
    .join('')

it('[D17] an answer grows, is whole, and says what was asked', async () => {
  const server = await testCommons(addAssistant)
  const ann = await server.connect({ user: 'ann', namespace: '/public' })
  await ann.request('room:join', ASSISTANT_ROOM)
  const { data } = await ann.request('message:send', { ...inRoom, content: 'What is  a room?' })
  await server.advance(200)
  expect(begun(ann)).toMatchObject([{ userId: 'commons:assistant', name: 'Assistant', replyTo: data.id }])
  expect(ended(ann)).toEqual([])
  await server.advance(20_000)
  expect(ended(ann)).toMatchObject([{ state: 'complete' }])
  expect(textOf(ann, begun(ann)[0]?.seq)).toMatch(/^You asked: “What is a room\?”\n\n[A-Z].+\.$/s)
  expect(begun(ann)).toHaveLength(1) // it does not answer itself
})

it('[D17] three answers at once, further questions wait, and a stop makes place for one', async () => {
  const server = await testCommons(addAssistant)
  const ann = await server.connect({ user: 'ann', namespace: '/public' })
  await ann.request('room:join', ASSISTANT_ROOM)
  for (let count = 0; count < 5; count++) await ann.request('message:send', { ...inRoom, content: `Question ${count}` })
  await server.advance(200)
  expect(begun(ann)).toHaveLength(3)
  const [first] = begun(ann)
  expect((await ann.request('message:stop', { ...inRoom, seq: first?.seq })).data).toMatchObject({ state: 'cancelled' })
  await server.advance(200)
  expect(begun(ann)).toHaveLength(4)
  await server.advance(60_000)
  expect(begun(ann)).toHaveLength(5)
  const states = ended(ann).map(({ state }) => state)
  expect(states.sort()).toEqual(['cancelled', 'complete', 'complete', 'complete', 'complete'])
})

it('a long question is quoted in part, and every chance gives sentences', () => {
  for (const chance of [0, 0.3, 0.99]) {
    const text = [...answerTo(`${'long '.repeat(50)}\n\nquestion`, () => chance)].join('')
    expect(text).toMatch(/^You asked: “long long [^”]{60,80}…”\n\n/)
    expect(text.length).toBeLessThan(2_000)
    expect(text.endsWith('.')).toBe(true)
  }
})
