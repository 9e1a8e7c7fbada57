/** How much is done for one message: each fact is found once, and what did not change is not looked at. */
import { createTestServer } from '@roomful/testkit'
import { describe, expect, it, vi } from 'vitest'
import { audience } from './audience.ts'

describe('one message', () => {
  it('asks the rule once, counts once, and does nothing about inboxes, sessions and catching up', async () => {
    let asked = 0
    await using server = await createTestServer({
      setUp: (kit) => kit.chat(kit.namespace('/').room('*', { allow: { publish: () => ++asked > 0 } })),
    })
    const { ann, bob } = await audience(server, { ann: ['x'], bob: ['x'] })
    await ann.request('message:send', { roomId: 'x', content: 'first' })
    const namespace = server.get('/')
    const { catchUp, savedSessions, sharedLimits } = namespace.requests
    const counted = {
      'declaration of the room': vi.spyOn(namespace.state.declarations, 'find'),
      limits: vi.spyOn(sharedLimits, 'ofConnection'),
      writer: vi.spyOn(sharedLimits, 'writerOf'),
      'catching up': vi.spyOn(catchUp, 'pump'),
      'data of the session': vi.spyOn(savedSessions, 'saveData'),
      inbox: vi.spyOn(namespace.inboxes, 'wake'),
    }
    asked = 0
    await ann.request('message:send', { roomId: 'x', content: 'second' })
    expect(bob.messages('chat:message').map(({ content }) => content)).toEqual(['first', 'second'])
    const times = Object.entries(counted).map(([what, spy]) => [what, spy.mock.calls.length])
    expect({ rule: asked, ...Object.fromEntries(times) }).toEqual({
      rule: 1,
      'declaration of the room': 1,
      limits: 1,
      writer: 1,
      'catching up': 0,
      'data of the session': 0,
      inbox: 0,
    })
  })
})
