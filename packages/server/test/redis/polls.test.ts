/** Polls and streams that come to one node after another: a cursor means the same on all of them. */
import { hubOf } from '@roomful/server/testing'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { library } from '../../src/adapters/brokers/redis/library.ts'
import type { RoomEvent } from '../../src/core/events/event.ts'
import { connect, type Server, serve } from './clients.ts'
import { startRedis } from './server.ts'

const redis = await startRedis()
afterAll(() => redis.stop())

/** What the test below looks into. */
interface Requests {
  readonly fanOut: { release(event: RoomEvent): void }
  readonly joins: { prepareUncounted(): Promise<unknown> }
}

let prefixes = 0

async function twoServers(): Promise<[Server, Server]> {
  const prefix = `polls${++prefixes}`
  return [await serve(redis.url, prefix), await serve(redis.url, prefix)]
}

async function say({ url }: Server, roomId: string, ...contents: string[]): Promise<void> {
  const client = await connect({ url })
  for (const content of contents) expect((await client.ask('message:send', { roomId, content })).error).toBeUndefined()
  client.close()
}

interface Answer {
  readonly contents: string[]
  readonly resets: object[]
  readonly cursor: string
}

async function poll({ url }: Server, roomId: string, after?: string): Promise<Answer> {
  const query = after === undefined ? '' : `&after=${after}&wait=0`
  const response = await fetch(`${url}/poll/public?room=${roomId}&name=ann${query}`)
  const { events, cursor } = (await response.json()) as { events: { type: string; content?: string }[]; cursor: string }
  const resets = events.filter(({ type }) => type === 'reset')
  return { contents: events.flatMap(({ content }) => content ?? []), resets, cursor }
}

/** An event stream, line by line. */
async function openStream({ url }: Server, roomId: string) {
  const ended = new AbortController()
  onTestFinished(() => ended.abort())
  const response = await fetch(`${url}/sse/public?room=${roomId}&name=ann`, { signal: ended.signal })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let unread = ''
  /** @returns the block that has the text, in one line */
  const until = async (text: string): Promise<string> => {
    for (;;) {
      const blocks = unread.split('\n\n')
      const found = blocks.slice(0, -1).findIndex((block) => block.includes(text))
      if (found >= 0) {
        unread = blocks.slice(found + 1).join('\n\n')
        return (blocks[found] as string).replaceAll('\n', ' ')
      }
      unread += new TextDecoder().decode((await reader.read()).value)
    }
  }
  return { until }
}

describe('[G1] [G4] [D15] polls on two nodes', () => {
  it('a first poll begins with now, though its node has not had the room open before', async () => {
    const [a, b] = await twoServers()
    await say(a, 'lobby', 'one', 'two')
    const { cursor } = await poll(b, 'lobby')
    await say(a, 'lobby', 'three')
    expect((await poll(b, 'lobby', cursor)).contents).toEqual(['three'])
  })

  it('a cursor of one node does not go back on another', async () => {
    const [a, b] = await twoServers()
    const { cursor: first } = await poll(a, 'lobby')
    await say(a, 'lobby', 'one', 'two')
    const second = await poll(a, 'lobby', first)
    expect(second.contents).toEqual(['one', 'two'])
    const third = await poll(b, 'lobby', second.cursor)
    expect(third).toEqual({ contents: [], resets: [], cursor: second.cursor })
    await say(a, 'another', 'elsewhere')
    await say(a, 'lobby', 'three')
    const fourth = await poll(a, 'lobby', third.cursor)
    expect(fourth.contents).toEqual(['three'])
    expect((await poll(b, 'lobby', fourth.cursor)).contents).toEqual([])
    await say(b, 'lobby', 'four')
    for (const server of [a, b]) expect((await poll(server, 'lobby', fourth.cursor)).contents).toEqual(['four'])
  })

  it('an event that arrives in the moment in which a poll comes back is in its answer once', async () => {
    const [a, b] = await twoServers()
    const first = await poll(b, 'lobby')
    const hub = hubOf(b.roomful)
    const { fanOut, joins } = (hub.namespace('/public') as unknown as { requests: Requests }).requests
    let said: Promise<void> | undefined
    const arrived = Promise.withResolvers<void>()
    const release = fanOut.release.bind(fanOut)
    fanOut.release = (event) => {
      release(event)
      arrived.resolve()
    }
    // Its join is answered in the turn in which the event is on its way to the same member.
    const prepare = joins.prepareUncounted.bind(joins)
    joins.prepareUncounted = async (...asked: []) => {
      const prepared = await prepare(...asked)
      said = say(a, 'lobby', 'once')
      await arrived.promise
      return prepared
    }
    expect((await poll(b, 'lobby', first.cursor)).contents).toEqual(['once'])
    await said
  })

  it('[G4] a cursor from before the log lost its end is one of another log', async () => {
    const [a] = await twoServers()
    const { cursor: first } = await poll(a, 'lobby')
    await say(a, 'lobby', 'one')
    const dump = await redis.dump()
    await say(a, 'lobby', 'lost', 'lost too')
    const { cursor } = await poll(a, 'lobby', first)
    await redis.restore(dump)
    await say(a, 'lobby', 'two', 'three', 'four', 'five')
    const { contents, resets } = await poll(a, 'lobby', cursor)
    expect(resets).toMatchObject([{ reason: 'epoch' }])
    expect(contents).toEqual(['one', 'two', 'three', 'four', 'five'])
  })

  it('[G4] a stream that goes on in a log that lost its end has cursors of the new one', async () => {
    const [a] = await twoServers()
    await say(a, 'lobby', 'one')
    const dump = await redis.dump()
    const stream = await openStream(a, 'lobby')
    await say(a, 'lobby', 'lost')
    await stream.until('lost')
    await redis.restore(dump)
    await stream.until('"reset"')
    await say(a, 'lobby', 'two')
    const cursor = / id: (\S+)/.exec(await stream.until('two'))?.[1] ?? ''
    await say(a, 'lobby', 'three')
    expect(await poll(a, 'lobby', cursor)).toMatchObject({ contents: ['three'], resets: [] })
  })

  it('[G4] a cursor from before what was trimmed since is a gap, though the node has a part of it in memory', async () => {
    const prefix = `polls${++prefixes}`
    const a = await serve(redis.url, prefix)
    const { cursor: first } = await poll(a, 'lobby')
    await say(a, 'lobby', 'one')
    const { cursor } = await poll(a, 'lobby', first)
    await say(a, 'lobby', 'two', 'three')
    await redis.command('FCALL', `${library().name}_trimOldest`, '1', `{${prefix}:/public}:ns`, '200', '0')
    expect(await poll(a, 'lobby', cursor)).toMatchObject({ resets: [{ reason: 'trimmed' }] })
  })

  it('a stream begins with a cursor of now', async () => {
    const [a, b] = await twoServers()
    await say(a, 'lobby', 'one', 'two')
    const stream = await openStream(b, 'lobby')
    const cursor = / id: (\S+)/.exec(await stream.until('room:joined'))?.[1] ?? ''
    await say(a, 'lobby', 'three')
    expect((await poll(b, 'lobby', cursor)).contents).toEqual(['three'])
  })
})
