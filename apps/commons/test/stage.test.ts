/** The stage: who turns the slides, who sees them, and reactions that never wait for anybody. B22. */
import type { TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { addStage } from '../features/stage/server.ts'
import { testCommons } from './support/commons.ts'

const slides = [
  { title: 'First', lines: ['one', 'two'] },
  { title: 'Second', lines: [] },
]

async function presentation(): Promise<{ server: TestServer; stageId: string; roomId: string }> {
  const server = await testCommons(addStage)
  const ann = await server.connect({ user: 'ann' })
  const { stageId } = (await ann.request('stage:create', { title: 'Ferns', slides })).data
  return { server, stageId, roomId: `stage:${stageId}` }
}

describe('a presentation', () => {
  it('[B22] turns for everyone who watches, and late comers see the slide that is shown', async () => {
    const { server, stageId, roomId } = await presentation()
    const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
    await bob.request('room:join', { roomId })
    await ann.request('stage:show', { stageId, index: 1 })
    expect(await bob.next('stage:slide')).toMatchObject({ index: 1, roomId, seq: 1 })
    const cleo = await server.connect({ user: 'cleo' })
    const { stage } = (await cleo.request('stage:get', { stageId })).data
    expect(stage).toMatchObject({ title: 'Ferns', name: 'ann', index: 1, slides })
  })

  it('[B22] obeys its author alone; the welcome obeys anyone', async () => {
    const { server, stageId } = await presentation()
    const bob = await server.connect({ user: 'bob' })
    expect((await bob.request('stage:show', { stageId, index: 1 })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await bob.request('stage:delete', { stageId })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await bob.request('stage:show', { stageId: 'welcome', index: 1 })).data).toEqual({ status: 'ok' })
    expect((await bob.request('stage:delete', { stageId: 'welcome' })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await bob.request('stage:show', { stageId: 'welcome', index: 99 })).error).toMatchObject({ field: 'index' })
  })

  it('[B22] is in the list with its audience, which is updated as it changes', async () => {
    const { server, stageId, roomId } = await presentation()
    const bob = await server.connect({ user: 'bob' })
    await server.advance(1_000)
    bob.forget()
    await bob.request('room:join', { roomId })
    expect(await bob.next('stage:changed')).toMatchObject({ stageId, audience: 1 })
    const { stages } = (await bob.request('stage:list')).data
    expect(stages[0]).toMatchObject({ stageId, title: 'Ferns', count: 2, audience: 1 })
    expect(stages.at(-1)).toMatchObject({ stageId: 'welcome' })
  })

  it('[B22] a large audience is announced together, not one by one', async () => {
    const { server, stageId, roomId } = await presentation()
    const watcher = await server.connect({ user: 'watcher' })
    await server.advance(1_000)
    watcher.forget()
    for (let i = 0; i < 50; i++) {
      const guest = server.open({ user: `guest ${i}` })
      await server.settle()
      guest.post('room:join', { roomId })
    }
    await server.advance(1_000)
    const changes = watcher.messages('stage:changed')
    expect(changes.at(-1)).toMatchObject({ stageId, audience: 50 })
    expect(changes.length).toBeLessThanOrEqual(3)
  })

  it('[B22] deleted, it is gone for everyone, and its room is closed', async () => {
    const { server, stageId, roomId } = await presentation()
    const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
    await ann.request('stage:delete', { stageId })
    expect(await bob.next('stage:deleted')).toMatchObject({ stageId })
    expect((await bob.request('room:join', { roomId })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await bob.request('stage:get', { stageId })).error).toMatchObject({ code: 'NOT_FOUND' })
  })
})

it('[B22] reactions of many, a hundred at once, float to everyone, and the log keeps none of them', async () => {
  const { server, roomId } = await presentation()
  const crowd = await Promise.all(
    Array.from({ length: 10 }, (_, index) => server.connect({ user: `user ${index}`, dialect: 'v1' })),
  )
  for (const client of crowd) await client.request('room:join', { roomId })
  for (let second = 0; second < 10; second++) {
    for (const client of crowd) client.post('reaction:send', { roomId, emoji: second % 2 === 0 ? '👏' : '❤️' })
  }
  await server.settle()
  for (const client of crowd) expect(client.messages('reaction:new')).toHaveLength(100)
  const { events } = (await crowd[0]?.request('history:get', { roomId }))?.data ?? {}
  expect(events).toEqual([])
})
