/** The list of who is there: numbered changes over a snapshot, and a new snapshot as soon as one does not follow on the one before. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyChange, MAX_LISTED, type Presence, presenceOf } from '../src/presence.ts'
import { Refusal } from './support/fake-server.ts'
import { start } from './support/harness.ts'

const member = (userId: string, name = userId) => ({ userId, name, status: 'online' as const })
const roomId = 'lobby'

describe('[D10] a change', () => {
  const two = presenceOf({ users: [member('ann'), member('bob')], count: 2, pv: 5 })

  it('that follows is applied', () => {
    const joined = applyChange(two, { event: 'user:joined', data: { roomId, userId: 'cat', name: 'Cat', pv: 6 } })
    if (joined === 'gap') throw new Error('gap')
    expect([[...joined.members.keys()], joined.count, joined.pv]).toEqual([['ann', 'bob', 'cat'], 3, 6])
    const left = applyChange(joined, { event: 'user:left', data: { roomId, userId: 'ann', reason: 'left', pv: 7 } })
    if (left === 'gap') throw new Error('gap')
    expect([[...left.members.keys()], left.count]).toEqual([['bob', 'cat'], 2])
  })

  it('that is old news changes nothing', () => {
    expect(applyChange(two, { event: 'user:left', data: { roomId, userId: 'ann', reason: 'left', pv: 5 } })).toBe(two)
  })

  it('that does not follow is a gap', () => {
    expect(applyChange(two, { event: 'user:joined', data: { roomId, userId: 'cat', name: 'Cat', pv: 7 } })).toBe('gap')
  })

  it('of a name keeps the count', () => {
    const renamed = applyChange(two, { event: 'user:joined', data: { roomId, userId: 'ann', name: 'Anna', pv: 6 } })
    expect(renamed).toMatchObject({ count: 2 })
    expect((renamed as Presence).members.get('ann')?.name).toBe('Anna')
  })

  const diff = { roomId, since: 5, pv: 9, joined: [], left: [], changed: [], count: 2 }

  it('sent as a difference covers all numbers up to its own', () => {
    const data = { ...diff, joined: [member('cat')], left: ['ann'] }
    const after = applyChange(two, { event: 'presence:diff', data })
    expect([...(after as Presence).members.keys()]).toEqual(['bob', 'cat'])
  })

  it('sent as a difference since an unknown number is a gap', () => {
    expect(applyChange(two, { event: 'presence:diff', data: { ...diff, since: 6 } })).toBe('gap')
    expect(applyChange(two, { event: 'presence:diff', data: { ...diff, since: 3 } })).toMatchObject({ pv: 9, count: 2 })
  })

  it('of a state is sent as a difference too, and lists no new member', () => {
    const changed = [{ ...member('ann'), status: 'reconnecting' as const }, member('eve')]
    const after = applyChange(two, { event: 'presence:diff', data: { ...diff, changed } }) as Presence
    expect([...after.members.values()].map(({ userId, status }) => [userId, status])).toEqual([
      ['ann', 'reconnecting'],
      ['bob', 'online'],
    ])
  })

  it('after which list and count disagree is a gap', () => {
    const data = { ...diff, left: ['ann'] }
    expect(applyChange(two, { event: 'presence:diff', data })).toBe('gap')
  })

  it('in a huge room lists no more than a bound, and counts all', () => {
    const joined = Array.from({ length: MAX_LISTED + 500 }, (_, i) => member(`u${i}`))
    const after = applyChange(two, { event: 'presence:diff', data: { ...diff, joined, count: 1_502 } })
    expect([(after as Presence).members.size, (after as Presence).count]).toEqual([MAX_LISTED, 1_502])
  })

  it('lost or repeated on the way never leaves a wrong list unnoticed', () => {
    const user = fc.constantFrom('ann', 'bob', 'cat', 'dan')
    const fate = fc.constantFrom('arrives', 'arrives', 'arrives', 'is lost', 'comes twice')
    fc.assert(
      fc.property(fc.array(fc.tuple(user, fate), { maxLength: 40 }), (happenings) => {
        const truth = new Set<string>()
        let pv = 0
        let known = presenceOf({ users: [], count: 0, pv })
        for (const [userId, how] of happenings) {
          pv++
          const isThere = truth.delete(userId)
          if (!isThere) truth.add(userId)
          const data = { roomId, userId, name: userId, reason: 'left', pv }
          const change = { event: isThere ? 'user:left' : 'user:joined', data } as Parameters<typeof applyChange>[1]
          for (let i = 0; i < (how === 'is lost' ? 0 : how === 'comes twice' ? 2 : 1); i++) {
            const next = applyChange(known, change)
            // What the SDK does about a gap: it asks.
            known =
              next === 'gap' ? presenceOf({ users: [...truth].map((id) => member(id)), count: truth.size, pv }) : next
          }
          if (how !== 'is lost') expect(new Set(known.members.keys())).toEqual(truth)
        }
      }),
    )
  })
})

describe('[D10] a room’s members', () => {
  it('follow who comes and goes', async () => {
    const { client, server, clock } = await start()
    const room = client.room(roomId)
    await room.ready
    server.link.emit('user:joined', { roomId, userId: 'bob', name: 'Bob', pv: 1 })
    server.link.emit('user:joined', { roomId, userId: 'cat', name: 'Cat', pv: 2 })
    server.link.emit('user:left', { roomId, userId: 'bob', reason: 'left', pv: 3 })
    await clock.settle()
    expect(room.members).toEqual([member('cat', 'Cat')])
    expect(room.getSnapshot().count).toBe(1)
  })

  it('are requested again when a number is missing, once for many', async () => {
    const { client, server, clock } = await start()
    const room = client.room(roomId)
    await room.ready
    const truth = server.room(roomId)
    for (const name of ['bob', 'cat', 'dan']) truth.users.set(name, name)
    truth.pv = 9
    for (const pv of [7, 8, 9]) server.link.emit('user:joined', { roomId, userId: 'dan', name: 'dan', pv })
    await clock.settle()
    expect(room.members.map(({ userId }) => userId)).toEqual(['bob', 'cat', 'dan'])
    expect(server.requested('presence:get')).toHaveLength(1)
  })

  it('take the change that follows a snapshot in the same message into account', async () => {
    const { client, server, clock } = await start()
    const room = client.room(roomId)
    await room.ready
    server.handlers.set('presence:get', (_data, { id }, link) => {
      link.say(
        { ch: 1, ack: id ?? 0, data: { status: 'ok', users: [member('bob')], count: 1, pv: 4 } },
        { ch: 1, event: 'user:joined', data: { roomId, userId: 'cat', name: 'cat', pv: 5 } },
      )
      return undefined
    })
    server.link.emit('user:joined', { roomId, userId: 'bob', name: 'bob', pv: 4 })
    await clock.settle()
    expect(room.members.map(({ userId }) => userId)).toEqual(['bob', 'cat'])
  })

  it('are asked for at most once a second', async () => {
    const { client, server, clock } = await start()
    const room = client.room(roomId)
    await room.ready
    for (let pv = 10; pv <= 100; pv += 10) {
      server.link.emit('user:joined', { roomId, userId: 'bob', name: 'Bob', pv })
      await clock.advance(100)
    }
    await clock.advance(1_000)
    expect(server.requested('presence:get').length).toBeLessThanOrEqual(3)
    expect(server.requested('presence:get').length).toBeGreaterThanOrEqual(2)
  })

  it('stay as they are where one may not look', async () => {
    const { client, server, clock, errors } = await start({}, (fake) => {
      fake.room(roomId).users.set('bob', 'Bob')
      fake.handlers.set('presence:get', () => {
        throw new Refusal('FORBIDDEN')
      })
    })
    const room = client.room(roomId)
    await room.ready
    server.link.emit('user:left', { roomId, userId: 'cat', reason: 'left', pv: 9 })
    await clock.settle()
    expect(room.members).toEqual([member('bob', 'Bob')])
    expect(errors).toEqual([])
  })

  it('are those of the new snapshot after a reconnect, whatever its number', async () => {
    const { client, server, clock } = await start()
    const truth = server.room(roomId)
    truth.users.set('bob', 'Bob')
    truth.pv = 50
    const room = client.room(roomId)
    await room.ready
    server.link.drop(1006)
    await clock.settle()
    expect(room.getSnapshot()).toMatchObject({ status: 'waiting', members: [member('bob', 'Bob')] })
    truth.users.clear()
    truth.users.set('cat', 'Cat')
    truth.pv = 1
    await clock.advance(500)
    expect(room.members).toEqual([member('cat', 'Cat')])
  })
})
