import { SeededRandom, VirtualClock } from '@roomful/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  BOUND_PER_USER,
  TICKET_LIFETIME_MS,
  TICKETS_MAX,
  TICKETS_PER_USER,
  Tickets,
} from '../../src/adapters/auth/tickets.ts'
import type { Identity } from '../../src/core/ports/users.ts'

const alice: Identity = { user: { sub: 'alice', name: 'Alice', role: 'user' }, expiresAt: undefined }

describe('[A3.4] tickets', () => {
  let clock: VirtualClock
  let tickets: Tickets
  beforeEach(() => {
    clock = new VirtualClock()
    tickets = new Tickets(clock, new SeededRandom(1))
  })

  it('open one connection', () => {
    const ticket = tickets.issue(alice)
    expect(tickets.redeem(ticket)).toBe(alice)
    expect(() => tickets.redeem(ticket)).toThrow('Authentication failed: the ticket is unknown, used or expired')
    expect(() => tickets.redeem('')).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }))
  })

  it('are good for 30 seconds, and then forgotten', async () => {
    const early = tickets.issue(alice)
    const late = tickets.issue(alice)
    await clock.advance(TICKET_LIFETIME_MS - 1)
    expect(tickets.redeem(early)).toBe(alice)
    await clock.advance(1)
    expect(() => tickets.redeem(late)).toThrow('unknown, used or expired')
    expect(tickets.size).toBe(0)
  })

  it('end with the token that they were made from', async () => {
    const ticket = tickets.issue({ ...alice, expiresAt: clock.now() + 1_000 })
    await clock.advance(1_000)
    expect(() => tickets.redeem(ticket)).toThrow(expect.objectContaining({ code: 'TOKEN_EXPIRED' }))
  })

  it('are bounded per user: the oldest gives way', () => {
    const issued = Array.from({ length: TICKETS_PER_USER + 1 }, () => tickets.issue(alice))
    expect(tickets.size).toBe(TICKETS_PER_USER)
    expect(() => tickets.redeem(issued[0] as string)).toThrow()
    expect(tickets.redeem(issued[1] as string)).toBe(alice)
  })

  it('[D21] of streams are bounded per user: the oldest stream of the user must come with another', () => {
    const bobs = tickets.issue({ ...alice, user: { ...alice.user, sub: 'bob' } })
    tickets.redeem(bobs, 'stream')
    const bound = Array.from({ length: BOUND_PER_USER + 1 }, () => {
      const ticket = tickets.issue(alice)
      tickets.redeem(ticket, 'stream')
      return ticket
    })
    expect(() => tickets.redeem(bound[0] as string, 'stream')).toThrow()
    expect(tickets.redeem(bound[1] as string, 'stream')).toBe(alice)
    expect(tickets.redeem(bobs, 'stream').user.sub).toBe('bob')
  })

  it('are bounded in all: above it nobody gets one until the first expires', async () => {
    for (let i = 0; i < TICKETS_MAX; i++) tickets.issue({ ...alice, user: { ...alice.user, sub: `u${i}` } })
    expect(() => tickets.issue(alice)).toThrow(expect.objectContaining({ code: 'UNAVAILABLE', retryAfterMs: 30_000 }))
    await clock.advance(TICKET_LIFETIME_MS)
    expect(tickets.redeem(tickets.issue(alice))).toBe(alice)
  })
})
