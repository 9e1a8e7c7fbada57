/** Saying, editing, redacting, reacting, typing and paging through history. PROTOCOL.md 8, B19, C10. */
import { expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

async function pair(room: string): Promise<[Client, Client]> {
  const both: [Client, Client] = [await user(server, `${room}-ann`, { name: 'Ann' }), await user(server, `${room}-ben`)]
  for (const client of both) await client.ok('room:join', { roomId: room })
  return both
}

it('[C10] replyTo is carried, and content of every kind is left as it is', async () => {
  const [ann, ben] = await pair('content')
  for (const content of [
    '<script>alert(1)</script>',
    'line\nline\ttab',
    '🙂👩‍👩‍👧',
    '\u0000\u001f',
    '"quoted" \\ back',
    '\u202eright to left',
    '{"$binary":"AAAA"}',
  ]) {
    await ann.ok('chat:message', { roomId: 'content', content, replyTo: 'content-1' })
    expect(await ben.next('chat:message')).toMatchObject({ content, replyTo: 'content-1' })
  }
})

it('[C10] publishing needs no membership', async () => {
  const [ann, ben] = [await user(server, 'np-ann'), await user(server, 'np-ben')]
  await ben.ok('room:join', { roomId: 'np' })
  await ann.ok('chat:message', { roomId: 'np', content: 'from outside' })
  await ben.next({ content: 'from outside' })
  await ann.settled()
  expect(ann.unread('chat:message')).toEqual([])
})

it('[C10] an edit by its author is a durable event of its own; by another it is FORBIDDEN', async () => {
  const [ann, ben] = await pair('edit')
  const { seq } = await ann.ok('chat:message', { roomId: 'edit', content: 'tpyo' })
  expect(await ben.refused('message:edit', { roomId: 'edit', seq, content: 'hijacked' })).toMatchObject({
    code: 'FORBIDDEN',
  })
  expect(await ann.ok('message:edit', { roomId: 'edit', seq, content: 'typo' })).toMatchObject({ status: 'ok' })
  const edited = await ben.next('message:edited')
  expect(edited).toMatchObject({
    roomId: 'edit',
    target: seq,
    content: 'typo',
    userId: 'edit-ann',
    ts: expect.any(Number),
  })
  expect(edited.seq).toBe((seq as number) + 1)
})

it.each(['support', 'admin'])(
  '[C10] %s may edit and redact what others said; user and seller may not',
  async (role) => {
    const [ann, ben] = await pair(`moderated-${role}`)
    const roomId = `moderated-${role}`
    const moderator = await user(server, `mod-${role}`, { role })
    const seller = await user(server, `sell-${role}`, { role: 'seller' })
    const { seq } = await ann.ok('chat:message', { roomId, content: 'rude' })
    for (const type of ['message:redact', 'message:edit']) {
      expect(await seller.refused(type, { roomId, seq, content: 'x' })).toMatchObject({ code: 'FORBIDDEN' })
      expect(await ben.refused(type, { roomId, seq, content: 'x' })).toMatchObject({ code: 'FORBIDDEN' })
    }
    await moderator.ok('message:edit', { roomId, seq, content: 'polite' })
    await moderator.ok('message:redact', { roomId, seq })
    expect(await ben.next('message:redacted')).toMatchObject({ roomId, target: seq })
  },
)

it('[C10] what is redacted is gone from history and from replay, its number stays', async () => {
  const [ann, ben] = await pair('redact')
  const epoch = (await ben.ok('room:join', { roomId: 'redact' })).epoch as string
  await ann.ok('chat:message', { roomId: 'redact', content: 'first' })
  const { seq } = await ann.ok('chat:message', { roomId: 'redact', content: 'my password is hunter2' })
  await ann.ok('message:edit', { roomId: 'redact', seq, content: 'my password is hunter3' })
  await ann.ok('message:redact', { roomId: 'redact', seq })
  expect(await ben.next('message:redacted')).toMatchObject({ target: seq })
  const history = await ben.ok('history:get', { roomId: 'redact' })
  expect(JSON.stringify(history)).not.toMatch(/hunter/)
  expect((history.events as Frame[]).map((event) => event.seq)).toEqual([1, 2, 3, 4])
  const late = await user(server, 'redact-late')
  await late.ok('room:join', { roomId: 'redact', after: { epoch, seq: 0 } })
  await late.next((frame) => frame.seq === 4)
  expect(JSON.stringify(late.received)).not.toMatch(/hunter/)
  expect(late.received.filter((frame) => frame.roomId === 'redact').map((frame) => frame.seq)).toEqual([1, 2, 3, 4])
})

it('[C14] edits and redactions of what is not there are refused', async () => {
  const [ann] = await pair('absent')
  const { seq } = await ann.ok('chat:message', { roomId: 'absent', content: 'here' })
  for (const target of [0, 99, Number.MAX_SAFE_INTEGER]) {
    expect(await ann.refused('message:edit', { roomId: 'absent', seq: target, content: 'x' })).toHaveProperty('code')
    expect(await ann.refused('message:redact', { roomId: 'absent', seq: target })).toHaveProperty('code')
  }
  for (const target of [-1, 1.5, '1', null]) {
    expect(await ann.refused('message:redact', { roomId: 'absent', seq: target })).toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'seq',
    })
  }
  await ann.ok('message:redact', { roomId: 'absent', seq })
  expect(await ann.refused('message:edit', { roomId: 'absent', seq, content: 'back again' })).toHaveProperty('code')
})

it('[B19] typing starts, stops, and is not told to the typist; the short names work too', async () => {
  const [ann, ben] = await pair('typing')
  for (const [start, stop] of [
    ['typing:start', 'typing:stop'],
    ['typing', 'stop-typing'],
  ] as const) {
    ann.send({ type: start, roomId: 'typing' })
    expect(await ben.next('user:typing')).toEqual({
      type: 'user:typing',
      roomId: 'typing',
      userId: 'typing-ann',
      name: 'Ann',
    })
    ann.send({ type: stop, roomId: 'typing' })
    expect(await ben.next('user:stop-typing')).toMatchObject({ roomId: 'typing', userId: 'typing-ann' })
  }
  await ann.settled()
  expect(ann.unread((frame) => frame.type.startsWith('user:') && frame.type.endsWith('typing'))).toEqual([])
})

it('[B19] several typists are told apart, and a disconnect ends the typing', async () => {
  const [ann, ben] = await pair('typists')
  const cem = await user(server, 'typists-cem')
  await cem.ok('room:join', { roomId: 'typists' })
  ann.send({ type: 'typing:start', roomId: 'typists' })
  cem.send({ type: 'typing:start', roomId: 'typists' })
  await ben.next({ type: 'user:typing', userId: 'typists-ann' })
  await ben.next({ type: 'user:typing', userId: 'typists-cem' })
  await cem.terminate()
  await ben.next({ type: 'user:stop-typing', userId: 'typists-cem' })
  await ben.settled()
  expect(ben.unread({ type: 'user:stop-typing', userId: 'typists-ann' })).toEqual([])
})

it('[B19] typing stops by itself 5 s after the last start', { timeout: 12_000 }, async () => {
  const [ann, ben] = await pair('tired')
  ann.send({ type: 'typing:start', roomId: 'tired' })
  await ben.next('user:typing')
  const start = performance.now()
  await ben.next('user:stop-typing', 8000)
  expect(performance.now() - start).toBeGreaterThan(4500)
  expect(performance.now() - start).toBeLessThan(6500)
})

it('[C10] reactions: without a message they pass by, with one they are kept', async () => {
  const [ann, ben] = await pair('react')
  expect(await ann.ok('reaction:send', { roomId: 'react', emoji: '👍' })).toMatchObject({ status: 'ok' })
  const passing = await ben.next('reaction:new')
  expect(passing).toMatchObject({ roomId: 'react', userId: 'react-ann', emoji: '👍' })
  expect(passing.seq).toBeUndefined()
  const { id } = await ann.ok('chat:message', { roomId: 'react', content: 'like this' })
  await ann.ok('reaction:send', { roomId: 'react', emoji: '❤️', messageId: id })
  expect(await ben.next('reaction:new')).toMatchObject({ emoji: '❤️', messageId: id, seq: 2 })
  const { events } = await ben.ok('history:get', { roomId: 'react' })
  expect((events as Frame[]).map((event) => event.type)).toEqual([
    expect.stringMatching(/^(chat:message|message:new)$/),
    'reaction:new',
  ])
  await ann.ok('reaction:remove', { roomId: 'react', emoji: '❤️', messageId: id })
  const removed = { userId: 'react-ann', emoji: '❤️', messageId: id, seq: 3 }
  expect(await ben.next('reaction:removed')).toMatchObject(removed)
})

it('[C18] history is paged from either end, oldest first', async () => {
  const [ann] = await pair('pages')
  for (let i = 1; i <= 25; i++) await ann.ok('chat:message', { roomId: 'pages', content: `p${i}` })
  const page = async (query: Record<string, unknown>): Promise<[number[], boolean]> => {
    const { events, more } = await ann.ok('history:get', { roomId: 'pages', ...query })
    return [(events as { seq: number }[]).map((event) => event.seq), more as boolean]
  }
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
  expect(await page({ limit: 10 })).toEqual([range(16, 25), true])
  expect(await page({ before: 16, limit: 10 })).toEqual([range(6, 15), true])
  expect(await page({ before: 6, limit: 10 })).toEqual([range(1, 5), false])
  expect(await page({ after: 20, limit: 10 })).toEqual([range(21, 25), false])
  expect(await page({ after: 0, limit: 10 })).toEqual([range(1, 10), true])
  expect(await page({ after: 25 })).toEqual([[], false])
  expect(await page({ before: 1 })).toEqual([[], false])
  expect((await page({}))[0]).toEqual(range(1, 25))
  expect(await ann.ok('history:get', { roomId: 'pages', limit: 1 })).toMatchObject({
    status: 'ok',
    events: [{ content: 'p25', seq: 25, userId: 'pages-ann', roomId: 'pages', id: 'pages-25' }],
  })
  for (const limit of [0, -1, 101, 1.5, '10'])
    expect(await ann.refused('history:get', { roomId: 'pages', limit })).toMatchObject({
      code: 'INVALID_MESSAGE',
      field: 'limit',
    })
})
