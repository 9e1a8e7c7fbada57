/** Local rooms: joins take effect on return, and any value is a room. */
import { describe, expect, it } from 'vitest'
import { type LocalMember, LocalRooms } from '../../src/core/rooms/local-rooms.ts'

class Member implements LocalMember {
  readonly id: string
  localRooms: Set<unknown> | unknown[] | undefined = undefined
  isInOwnRoom = false
  isReceiving = true

  constructor(id: string) {
    this.id = id
  }
}

function open(): { rooms: LocalRooms<Member>; events: string[]; a: Member; b: Member; c: Member } {
  const events: string[] = []
  const rooms = new LocalRooms<Member>({
    onRoom: (what, room) => events.push(`${what} ${String(room)}`),
    onMember: (what, room, id) => events.push(`${id} ${what} ${String(room)}`),
  })
  const [a, b, c] = ['a', 'b', 'c'].map((id) => {
    const member = new Member(id)
    rooms.join(member, id)
    return member
  }) as [Member, Member, Member]
  events.length = 0
  return { rooms, events, a, b, c }
}

function receivers(rooms: LocalRooms<Member>, to: unknown[], except: unknown[] = []): string {
  const ids: string[] = []
  rooms.forEach({ rooms: new Set(to), except: new Set(except) }, ({ id }) => ids.push(id))
  return ids.join('')
}

describe('local rooms', () => {
  it('report what happens in its order', () => {
    const { rooms, events, a, b } = open()
    rooms.join(a, 'room')
    rooms.join(b, 'room')
    rooms.join(b, 'room')
    rooms.leave(a, 'room')
    rooms.leave(a, 'unknown')
    rooms.leaveAll(b)
    expect(events).toEqual([
      'created room',
      'a joined room',
      'b joined room',
      'a left room',
      'b left b',
      'deleted b',
      'b left room',
      'deleted room',
    ])
    expect([...rooms.names()]).toEqual(['a', 'c'])
  })

  it('are named by any value', () => {
    const { rooms, a, b, c } = open()
    rooms.join(a, 42)
    rooms.join(b, '42')
    rooms.join(c, undefined)
    expect([receivers(rooms, [42]), receivers(rooms, ['42']), receivers(rooms, [undefined])]).toEqual(['a', 'b', 'c'])
  })

  it('take someone else into the room that is named like a member', () => {
    const { rooms, a, b } = open()
    rooms.join(b, 'a')
    expect([...(rooms.idsIn('a') ?? [])]).toEqual(['a', 'b'])
    expect(receivers(rooms, ['a'])).toBe('ab')
    rooms.leave(a, 'a')
    expect(receivers(rooms, ['a'])).toBe('b')
    expect([...rooms.roomsOf(a)]).toEqual([])
    rooms.leave(b, 'a')
    expect(rooms.has('a')).toBe(false)
  })

  it('reach each receiver once, and not those of the exceptions', () => {
    const { rooms, a, b, c } = open()
    for (const member of [a, b]) rooms.join(member, 'x')
    for (const member of [b, c]) rooms.join(member, 'y')
    expect(receivers(rooms, ['x', 'y'])).toBe('abc')
    expect(receivers(rooms, ['x', 'y'], ['b'])).toBe('ac')
    expect(receivers(rooms, ['x'], ['y'])).toBe('a')
    expect(receivers(rooms, [], ['a'])).toBe('bc')
    expect(receivers(rooms, [], ['a', 'y'])).toBe('')
    expect(receivers(rooms, ['nowhere'])).toBe('')
    c.isReceiving = false
    expect(receivers(rooms, [])).toBe('ab')
    expect(receivers(rooms, ['y'])).toBe('b')
  })

  it('are left and kept in the order of the joins, however many, whether or not the set was looked at', () => {
    for (const looks of [false, true]) {
      const { rooms, a, events } = open()
      if (looks) rooms.roomsOf(a)
      const names = [Number.NaN, 0, '0', ...Array.from({ length: 9 }, (_, n) => `room ${n}`)]
      for (const name of names) rooms.join(a, name)
      rooms.join(a, Number.NaN)
      rooms.leave(a, 0)
      rooms.leave(a, Number.NaN)
      rooms.leave(a, 'a')
      rooms.join(a, 'a')
      expect([...rooms.roomsOf(a)]).toEqual([...names.slice(2), 'a'])
      events.length = 0
      rooms.leaveAll(a)
      expect(events.filter((event) => event.startsWith('a left'))).toHaveLength(names.length - 1)
      expect([...rooms.names()]).toEqual(['b', 'c'])
    }
    const { rooms, a } = open()
    for (const name of ['x', Number.NaN, 'y']) rooms.join(a, name)
    rooms.leave(a, Number.NaN)
    expect([...rooms.roomsOf(a)]).toEqual(['a', 'x', 'y'])
  })

  it('keep a set of rooms up to date until the member leaves all', () => {
    const { rooms, a } = open()
    const own = rooms.roomsOf(a)
    rooms.join(a, 'x')
    expect([...own]).toEqual(['a', 'x'])
    rooms.leave(a, 'x')
    expect([...own]).toEqual(['a'])
    rooms.leaveAll(a)
    expect(rooms.member('a')).toBeUndefined()
    expect(rooms.idsIn('a')).toBeUndefined()
  })
})
