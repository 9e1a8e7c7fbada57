/** A short chaos run; `npm run chaos` does five rounds of each fault. See test/chaos. */
import { expect, it } from 'vitest'
import { runChaos } from '../chaos/chaos.ts'
import { FactsPlay } from '../chaos/facts/room.ts'
import { FAULTS } from '../chaos/faults.ts'
import { runPlay } from '../chaos/play.ts'
import { ChatPlay } from '../chaos/socketio/chat.ts'

it('[R1] [D2] [D3] through kill -9, SIGTERM, resets, a black hole and a slow line clients of every kind lose nothing, hear nothing twice, and agree on the order', {
  timeout: 120_000,
}, async () => {
  const options = { faults: FAULTS, rounds: 1, calm: 40, perKind: 1 }
  const { violations, story, acknowledged, stored, gaps } = await runChaos(options)
  if (violations.length > 0) throw new Error(`${violations.join('\n')}\n${story}`)
  expect(acknowledged).toBeGreaterThan(200)
  expect(stored).toBe(acknowledged)
  expect(gaps).toBe(0)
})

const playOf = {
  'an application of Socket.IO with durable events': () =>
    new ChatPlay({ calm: 3, perKind: 1, paceMs: 40, transient: 'best-effort' }),
  'presence data, state and messages in pieces': () => new FactsPlay({ calm: 3, paceMs: 40 }),
}

it.each(Object.entries(playOf))(
  '[R1] [D2] %s: nothing that was acknowledged is lost or doubled through kill -9 and a reset',
  {
    timeout: 240_000,
  },
  async (_name, create) => {
    const { violations, story, rounds } = await runPlay(create(), { faults: ['kill', 'reset'], seed: 1 })
    if (violations.length > 0) throw new Error(`${story}\n${violations.join('\n')}`)
    expect(rounds).toBe(2)
  },
)
