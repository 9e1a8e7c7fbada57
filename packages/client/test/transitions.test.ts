/** The life of a connection, cell by cell: every stage with every event. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ConnectionEvent, ConnectionState } from '../src/connection-state.ts'
import { MAX_DRAIN_MS, MAX_REFUSALS, STABLE_MS, transition } from '../src/transitions.ts'

const user = { sub: 'ann', name: 'Ann', role: 'user' }
const moment = { nowMs: 1_000_000, random: 0 }
const attached = { connectionId: 'c1', user, recovered: false, transport: 'custom', sinceMs: 0, failures: 2 } as const
const ending = { code: 1006, reason: '' }

const states: Record<ConnectionState['status'], ConnectionState> = {
  idle: { status: 'idle' },
  connecting: { status: 'connecting', failures: 1, refusals: 0 },
  authenticating: { status: 'authenticating', failures: 1, refusals: 0 },
  open: { status: 'open', ...attached },
  draining: { status: 'draining', ...attached, untilMs: 1_005_000 },
  waiting: { status: 'waiting', failures: 1, refusals: 0, untilMs: 1_005_000, ending },
  closed: { status: 'closed', ending },
}

const events: Record<ConnectionEvent['type'], ConnectionEvent> = {
  connect: { type: 'connect' },
  'link-opened': { type: 'link-opened' },
  opened: { type: 'opened', connectionId: 'c2', user, recovered: true, transport: 'custom' },
  changed: { type: 'changed', changes: { user: { ...user, role: 'admin' } } },
  draining: { type: 'draining', reconnectAfterMs: 3_000 },
  'link-closed': { type: 'link-closed', ending, canRenew: false },
  due: { type: 'due' },
  wake: { type: 'wake' },
  close: { type: 'close' },
}

const columns = Object.keys(events) as ConnectionEvent['type'][]
/** A dash means that nothing changes, not even the object. */
const table = `
  state          connect     link-opened    opened changed    draining link-closed due        wake       close
  idle           connecting  -              -      -          -        -           -          -          closed
  connecting     -           authenticating -      -          -        waiting     waiting    -          closed
  authenticating -           -              open   -          -        waiting     waiting    -          closed
  open           -           -              -      open       draining waiting     -          -          closed
  draining       -           -              -      draining   draining waiting     connecting -          closed
  waiting        connecting  -              -      -          -        -           connecting connecting closed
  closed         connecting  -              -      -          -        -           -          -          -
`

describe('every stage and event', () => {
  const [header, ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  it('is in the table', () => {
    expect(header?.slice(1)).toEqual(columns)
    expect(rows.map(([status]) => status)).toEqual(Object.keys(states))
  })
  for (const [status, ...cells] of rows) {
    for (const [index, expected] of cells.entries()) {
      const type = columns[index] as ConnectionEvent['type']
      it(`${status} + ${type} → ${expected === '-' ? 'the same' : expected}`, () => {
        const before = states[status as ConnectionState['status']]
        const after = transition(before, events[type], moment)
        if (expected === '-') expect(after).toBe(before)
        else expect(after.status).toBe(expected)
      })
    }
  }
})

const closedWith = (code: number, canRenew = false): ConnectionEvent => ({
  type: 'link-closed',
  ending: { code, reason: '' },
  canRenew,
})

describe('after a close', () => {
  for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 4003, 4005, 4009]) {
    it(`${code} is final`, () => {
      expect(transition(states.open, closedWith(code, true), moment)).toMatchObject({
        status: 'closed',
        ending: { code },
      })
    })
  }
  for (const code of [1001, 1005, 1006, 1011, 1012, 1013, 4008, 4999]) {
    it(`[C18] ${code} is followed by another try`, () => {
      expect(transition(states.open, closedWith(code), moment)).toMatchObject({ status: 'waiting', ending: { code } })
    })
  }

  it('4001 and 4002 end it when no other credentials can be had', () => {
    expect(transition(states.authenticating, closedWith(4001), moment).status).toBe('closed')
    expect(transition(states.open, closedWith(4002), moment).status).toBe('closed')
  })

  it('fresh credentials are tried at once, then after a wait, then no more', () => {
    let state: ConnectionState = { status: 'authenticating', failures: 0, refusals: 0 }
    const waits: number[] = []
    for (let refused = 1; refused <= MAX_REFUSALS; refused++) {
      state = transition(state, closedWith(4001, true), moment)
      if (state.status !== 'waiting') throw new Error(`${state.status} after ${refused}`)
      waits.push(state.untilMs - moment.nowMs)
      state = transition(transition(state, events.due, moment), events['link-opened'], moment)
    }
    expect(waits).toEqual([0, 2_000, 4_000])
    expect(transition(state, closedWith(4001, true), moment).status).toBe('closed')
  })
})

describe('[C18] the wait', () => {
  it('doubles with each failure and starts again after a connection that lasted', () => {
    let state: ConnectionState = { status: 'connecting', failures: 0, refusals: 0 }
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      state = transition(state, closedWith(1006), moment)
      if (state.status !== 'waiting') throw new Error(state.status)
      waits.push(state.untilMs - moment.nowMs)
      state = transition(state, events.due, moment)
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])

    state = transition(transition(state, events['link-opened'], moment), events.opened, moment)
    const tooSoon = transition(state, closedWith(1006), { nowMs: moment.nowMs + STABLE_MS - 1, random: 0 })
    expect(tooSoon).toMatchObject({ status: 'waiting', failures: 8 })
    const later = { nowMs: moment.nowMs + STABLE_MS, random: 0 }
    expect(transition(state, closedWith(1006), later)).toMatchObject({ failures: 1, untilMs: later.nowMs + 1_000 })
  })

  it('is cut short when the network comes back, unless the server named the moment', () => {
    expect(transition(states.waiting, events.wake, moment).status).toBe('connecting')
    const announced = transition(states.draining, closedWith(1012), moment)
    expect(announced).toMatchObject({ status: 'waiting', failures: 0, untilMs: 1_005_000 })
    expect(transition(announced, events.wake, moment)).toBe(announced)
  })

  it('never lies beyond five minutes, whatever a restarting server says', () => {
    const state = transition(states.open, { type: 'draining', reconnectAfterMs: 1e12 }, moment)
    expect(state).toMatchObject({ status: 'draining', untilMs: moment.nowMs + MAX_DRAIN_MS })
  })
})

it('whatever happens in whatever order, the state is a legal one and never waits longer than it may', () => {
  const event = fc.constantFrom(...Object.values(events), closedWith(4001, true), closedWith(1008), closedWith(1012))
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.array(fc.tuple(event, chance), { maxLength: 60 }), (happenings) => {
      let state = states.idle
      for (const [happening, draw] of happenings) {
        state = transition(state, happening, { nowMs: 0, random: draw })
        expect(Object.keys(states)).toContain(state.status)
        if (state.status === 'waiting' || state.status === 'draining') expect(state.untilMs).toBeLessThanOrEqual(30_000)
      }
    }),
  )
})
