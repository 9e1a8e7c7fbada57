/** The bench of the four ways to hear an update, in small: that it measures what it says. B12. */
import { describe, expect, it } from 'vitest'
import { measureWay, ways } from '../../bench/bandwidth.ts'

describe('[B12] one update a second', () => {
  it('costs the most by polls, less by SSE, least by WebSocket, and everyone hears it', async () => {
    const results = await Promise.all(ways.map((way) => measureWay(way, 20, 2)))
    const cost = Object.fromEntries(results.map(({ way, bytesPerMinute }) => [way, bytesPerMinute]))
    expect(Object.keys(cost)).toEqual(['short polling', 'long polling', 'SSE', 'WebSocket'])
    for (const { updatesPerUser } of results) expect(updatesPerUser).toBeGreaterThan(1)
    expect(cost['short polling']).toBeGreaterThan(2 * Number(cost.SSE))
    expect(cost['long polling']).toBeGreaterThan(2 * Number(cost.SSE))
    expect(cost.SSE).toBeGreaterThan(Number(cost.WebSocket))
  })
})
