/**
 * What one cursor for many rooms promises after a long absence: rooms that aged out, that were forgotten, that were made
 * again under their name; and private messages whose answer never arrived. On time that the test decides. G4.
 */
import { connect } from 'node:net'
import type { TestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { serveVirtually } from './virtual.ts'

interface Answer {
  readonly events: { type: string; roomId?: string; reason?: string; content?: string }[]
  readonly cursor: string
}

const HOUR_MS = 3_600_000

async function bench() {
  const { server, url } = await serveVirtually({ log: { retentionMs: HOUR_MS, emptyRoomMs: HOUR_MS / 10 } })
  const token = server.token('ann', { expiresInMs: 100 * HOUR_MS })
  const say = async (roomId: string, content: string): Promise<void> => {
    const ben = await server.connect({ user: 'ben' })
    await ben.request('message:send', { roomId, content })
    ben.close()
  }
  const poll = async (rooms: string, after?: string): Promise<Answer> => {
    const query = `${rooms}&token=${token}&wait=0${after === undefined ? '' : `&after=${after}`}`
    const response = await fetch(`${url}/poll?${query}`)
    if (response.status !== 200) throw new Error(await response.text())
    return (await response.json()) as Answer
  }
  return { server, url, token, say, poll }
}

/** Resets and messages; who comes and goes may be told as well. */
const told = ({ events }: Answer) => events.flatMap(({ reason, content }) => reason ?? content ?? [])
const goOn = (server: TestServer, hours: number) => server.advance(hours * HOUR_MS)

describe('a cursor after a long absence', () => {
  it('[D2] of a client that had everything is recovered, however little is left', async () => {
    const { server, say, poll } = await bench()
    await say('a', '1')
    await say('a', '2')
    const { cursor } = await poll('room=a')
    await goOn(server, 0.5)
    await say('b', 'so that the cursor is not at the end')
    await goOn(server, 0.7)
    expect(told(await poll('room=a', cursor))).toEqual([])
  })

  it('[D2] of somebody who missed what aged out is told so', async () => {
    const { server, say, poll } = await bench()
    await say('a', '1')
    const { cursor } = await poll('room=a')
    await say('a', '2')
    await goOn(server, 0.5)
    await say('a', '3')
    await goOn(server, 0.7)
    expect(told(await poll('room=a', cursor))).toEqual(['trimmed', '3'])
  })

  it('[D2] does not take a room for the one that was forgotten under its name', async () => {
    const { server, say, poll } = await bench()
    await say('a', '1')
    const { cursor } = await poll('room=a')
    await say('a', '2')
    await goOn(server, 3)
    const { cursor: later } = await poll('room=b')
    await say('a', 'anew')
    expect(told(await poll('room=a', cursor))).toEqual(['epoch', 'anew'])
    // Who was here after it was gone missed nothing of it.
    expect(told(await poll('room=a', later))).toEqual(['anew'])
  })

  it('[D2] [B11] the same of a stream', async () => {
    const { server, url, token, say, poll } = await bench()
    await say('a', '1')
    const { cursor } = await poll('room=a')
    await say('a', '2')
    await goOn(server, 3)
    await say('a', 'anew')
    const stop = new AbortController()
    const { body } = await fetch(`${url}/sse?room=a&token=${token}`, {
      headers: { 'last-event-id': cursor },
      signal: stop.signal,
    })
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true })
      if (text.includes('"anew"')) break
    }
    stop.abort()
    expect(text).toMatch(/"reason":"epoch".*"anew"/s)
  })
})

describe('an inbox by polls', () => {
  it('[B23] what was in an answer that never arrived is there when its poller starts again', async () => {
    const { server, url, token, poll } = await bench()
    const { cursor } = await poll('room=a')
    const ben = await server.connect({ user: 'ben' })
    await ben.request('message:private', { to: 'ann', content: 'psst' })
    // Between two polls it was told to nobody; and this one goes away while it waits.
    const { hostname, port } = new URL(url)
    const gone = connect(Number(port), hostname)
    gone.on('error', () => undefined)
    gone.end(`GET /poll?room=a&token=${token}&after=${cursor} HTTP/1.1\r\nHost: x\r\n\r\n`)
    gone.destroy()
    await server.advance(10_000)
    expect(told(await poll('room=a'))).toContain('psst')
    await server.advance(10_000)
    expect(told(await poll('room=a'))).not.toContain('psst')
  })
})
