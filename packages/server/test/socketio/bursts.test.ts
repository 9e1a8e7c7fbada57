/** What an official client held back while it was cut off arrives when it is back, and the server announces its limits. */
import type { Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { client, next, serve, token, type Way } from './serve.ts'

const CONNECTED = 0
const PER_SECOND = 100
const AWAY_MS = 500

/** How many of so many events get an answer that is no refusal. */
async function passing(socket: Socket, count: number): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, () => socket.emitWithAck('room:list')))
  return answers.filter(({ code }) => code !== 'RATE_LIMITED').length
}

describe.each(['websocket', 'polling'] satisfies Way[])('a client that was cut off, over %s', (way) => {
  it.each([
    ['with recovery', {}],
    ['without', { recovery: false }],
  ])('[L18] sends what it held back, as far as the time away allows (%s)', async (_, auth) => {
    const { url } = await serve({ ratePerSecond: PER_SECOND })
    const options = { reconnectionDelay: AWAY_MS, reconnectionDelayMax: AWAY_MS, randomizationFactor: 0 }
    const socket = client(url, way, { ...options, auth: { token: await token('ann'), ...auth } })
    await next(socket, 'connect')
    const gone = next(socket, 'disconnect')
    socket.io.engine.close()
    await gone
    const buffered = PER_SECOND + (PER_SECOND * AWAY_MS) / 1000
    expect(await passing(socket, buffered)).toBe(buffered)
    expect(socket.connected).toBe(true)
  })

  it('[L18] finds the limits in the reply to CONNECT', async () => {
    const { url } = await serve({ ratePerMinute: 77 })
    const socket = client(url, way, { auth: { token: await token('ann') } })
    const reply = new Promise((resolve) => {
      socket.io.on('packet', ({ type, data }) => type === CONNECTED && resolve(data))
    })
    await next(socket, 'connect')
    expect(await reply).toMatchObject({ limits: { ratePerSecond: 10, ratePerMinute: 77, maxMessageBytes: 65_536 } })
  })

  it('[R9] finds in it what the protocol says and nothing else, without recovery', async () => {
    const { url } = await serve({ socketioRecovery: false })
    const socket = client(url, way, { auth: { token: await token('ann') } })
    const reply = new Promise((resolve) => {
      socket.io.on('packet', ({ type, data }) => type === CONNECTED && resolve(data))
    })
    await next(socket, 'connect')
    expect(await reply).toEqual({ sid: socket.id })
  })
})
