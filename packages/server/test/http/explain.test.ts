/** Why a client did or did not see an event, told over HTTP and on the command line. D8. */
import { createTestServer } from '@roomful/testkit'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { explain as verdictsOf } from '../../src/adapters/http/explain.ts'
import { Stories } from '../../src/adapters/observe/stories.ts'
import { explain, publish, tail, who } from '../../src/cli/remote-commands.ts'
import { audience } from '../core/audience.ts'
import { API_KEY, type Heard, join as joinRoom, refusal, type Serving, serveHttp, tokenOf } from './serving.ts'

let serving: Serving
beforeAll(async () => {
  serving = await serveHttp()
})
afterAll(() => serving[Symbol.asyncDispose]())

const get = (path: string, auth: string = API_KEY) => serving.get(`/api/server/${path}`, auth)
const say = (roomId: string) =>
  serving.post('/api/server/publish', { roomId, event: 'note', data: { text: 'hello' } }, API_KEY)

let asked = 0
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape, looked at by matchers
async function ask(heard: Heard, message: object): Promise<any> {
  const id = ++asked
  heard.say({ ...message, id })
  return (await heard.next(({ ack }) => ack === id)).data
}

/** A client of this user in this room. */
async function join(user: string, roomId: string, more: object = {}): Promise<Heard> {
  const heard = await serving.connect(user)
  await ask(heard, { type: 'room:join', roomId, ...more })
  return heard
}

async function leave({ socket, closed }: Heard): Promise<void> {
  socket.close()
  await closed
}

async function verdicts(who: string, roomId: string, seq: number): Promise<string[]> {
  const { body } = await get(`explain?who=${encodeURIComponent(who)}&roomId=${roomId}&seq=${seq}`)
  return (body.verdicts as { code: string }[]).map(({ code }) => code)
}

describe('[D8] explain', () => {
  it('explains who received it, who came later, who had left, who was never there, and what is not stored', async () => {
    const ann = await join('ann', 'story')
    await say('story')
    const bob = await join('bob', 'story')
    await say('story')
    await ask(ann, { type: 'room:leave', roomId: 'story' })
    await say('story')
    expect(await verdicts('ann', 'story', 1)).toEqual(['TOLD'])
    expect(await verdicts('ann', 'story', 2)).toEqual(['TOLD'])
    expect(await verdicts('ann', 'story', 3)).toEqual(['AFTER_LEAVE'])
    expect(await verdicts('bob', 'story', 1)).toEqual(['BEFORE_JOIN'])
    expect(await verdicts('bob', 'story', 3)).toEqual(['TOLD'])
    expect(await verdicts('bob', 'elsewhere', 1)).toEqual(['NOT_STORED'])
    expect(await verdicts('nobody', 'story', 1)).toEqual(['UNKNOWN'])
    await say('other')
    expect(await verdicts('bob', 'other', 1)).toEqual(['NEVER_JOINED'])
    expect(await verdicts('bob', 'story', 4)).toEqual(['NOT_STORED'])
    await leave(ann)
    await leave(bob)
  })

  it('tells each of several stays in a room by itself', async () => {
    const fay = await join('fay', 'stays')
    await say('stays')
    await ask(fay, { type: 'room:leave', roomId: 'stays' })
    await say('stays')
    await ask(fay, { type: 'room:join', roomId: 'stays' })
    await say('stays')
    await ask(fay, { type: 'room:leave', roomId: 'stays' })
    expect(await verdicts('fay', 'stays', 1)).toEqual(['TOLD'])
    expect(await verdicts('fay', 'stays', 2)).toEqual(['BEFORE_JOIN'])
    expect(await verdicts('fay', 'stays', 3)).toEqual(['TOLD'])
    await leave(fay)
  })

  it('[G5] tells what waits for a client that reads slowly, and what one had not read when it went', async () => {
    await using server = await createTestServer({
      settings: { ratePerSecond: 0, ratePerMinute: 0, outboxBytes: 10_000 },
    })
    const { slow, quick } = await audience(server, { slow: ['x'], quick: ['x'] })
    slow.wire.stall()
    const content = 'x'.repeat(1_000)
    for (let i = 0; i < 50; i++) await quick.request('message:send', { roomId: 'x', content })
    const codes = async (seq: number) => {
      const stories = new Stories(() => server.clock.now())
      for (const fact of server.facts) stories.observe(fact)
      const question = { namespace: '/', who: 'slow', roomId: 'x', seq }
      return (await verdictsOf(server.hub, stories, question)).verdicts.map(({ code }) => code)
    }
    expect(await codes(1)).toEqual(['TOLD'])
    expect(await codes(50)).toEqual(['WAITING'])
    slow.cut()
    await server.advance(10_000)
    expect(await codes(1)).toEqual(['TOLD'])
    expect(await codes(50)).toEqual(['NOT_READ'])
  })

  it('tells what a client got when it came back, also when that was not all, and remembers who is gone', async () => {
    const cy = await join('cy', 'back')
    await say('back')
    const epoch = (await ask(cy, { type: 'room:join', roomId: 'back' })).epoch
    await leave(cy)
    await say('back')
    const again = await join('cy', 'back', { after: { epoch, seq: 1 } })
    expect(await verdicts('cy', 'back', 2)).toEqual(['AFTER_LEAVE', 'REPLAYED'])
    await leave(again)
    const lost = await join('cy', 'back', { after: { epoch: 'another.1', seq: 1 } })
    await say('back')
    expect((await verdicts('cy', 'back', 3)).at(-1)).toBe('TOLD')
    const connection = (await get('connections?userId=cy')).body.connections as { connectionId: string }[]
    expect(connection).toHaveLength(1)
    const { body } = await get(`connections/${connection[0]?.connectionId}`)
    expect(body).toMatchObject({
      connection: { userId: 'cy', namespace: '/' },
      chapters: expect.arrayContaining([
        expect.objectContaining({ type: 'room:joined', roomId: 'back', recovered: false, reason: 'epoch' }),
      ]),
      ending: null,
    })
    await leave(lost)
  })

  it('[B34] writes down what was refused, and is for admins and who has the key', async () => {
    const dee = await join('dee', 'rules')
    await ask(dee, { type: 'no-such-event' })
    const { body } = await get('connections?userId=dee')
    const id = (body.connections as { connectionId: string }[])[0]?.connectionId
    const story = await get(`connections/${id}`, tokenOf('root', 'admin'))
    expect(story.body.chapters).toContainEqual(
      expect.objectContaining({ type: 'refused', event: 'unknown', code: 'UNKNOWN_EVENT' }),
    )
    expect(refusal(await get(`connections/${id}`, tokenOf('dee')))).toEqual([403, 'FORBIDDEN', undefined])
    expect(refusal(await get('connections/c_none'))).toEqual([404, 'NOT_FOUND', 'connectionId'])
    await leave(dee)
  })

  it('answers admins where no key is set, and no one else', async () => {
    await using other = await serveHttp({ apiKey: undefined, stories: true })
    const ask = (path: string, auth?: string) => other.get(`/api/server/${path}`, auth)
    const admin = tokenOf('root', 'admin')
    const gus = await other.connect('gus')
    await joinRoom(gus, 'keyless')
    await other.roomful.get('/').publish('keyless', 'note', [{ text: 'hello' }])
    const { body } = await ask('connections?userId=gus', admin)
    const id = (body.connections as { connectionId: string }[])[0]?.connectionId ?? ''
    expect((await ask('explain?who=gus&roomId=keyless&seq=1', admin)).body.verdicts).toMatchObject([
      { connectionId: id, code: 'TOLD' },
    ])
    await leave(gus)
    await vi.waitFor(async () =>
      expect((await ask(`connections/${id}`, admin)).body).toMatchObject({
        chapters: [
          { type: 'room:joined', roomId: 'keyless' },
          { type: 'room:left', roomId: 'keyless' },
        ],
        ending: { reason: expect.stringMatching(/^1\d{3}/) },
      }),
    )
    for (const path of ['connections', `connections/${id}`, 'explain?who=gus&roomId=keyless&seq=1']) {
      expect(refusal(await ask(path))).toEqual([401, 'UNAUTHENTICATED', undefined])
      expect(refusal(await ask(path, API_KEY))).toEqual([401, 'TOKEN_INVALID', undefined])
      expect(refusal(await ask(path, tokenOf('gus')))).toEqual([403, 'FORBIDDEN', undefined])
    }
    expect(refusal(await ask('status', admin))).toEqual([404, 'NOT_FOUND', undefined])
  })

  it('is not there where no stories are kept', async () => {
    for (const options of [{ apiKey: undefined }, { stories: false }]) {
      await using other = await serveHttp(options)
      const answer = await other.get('/api/server/explain?who=gus&roomId=x&seq=1', tokenOf('root', 'admin'))
      expect(refusal(answer)).toEqual([404, 'NOT_FOUND', undefined])
    }
  })
})

describe('[D8] explain in one sentence', () => {
  const answer = async (who: string, roomId: string, seq: number) =>
    (await get(`explain?who=${encodeURIComponent(who)}&roomId=${roomId}&seq=${seq}`)).body.answer

  it('says of the person whether it was delivered, and why not, whatever number of connections they had', async () => {
    for (let stay = 0; stay < 3; stay++) await leave(await join('gil', 'sentence'))
    await say('sentence')
    const [other, gil] = [await serving.connect('gil'), await join('gil', 'sentence')]
    expect(await answer('gil', 'sentence', 1)).toEqual({
      delivered: 'no',
      message: 'No. gil had left sentence when it was sent and came back later. It’s in the room’s history.',
    })
    await say('sentence')
    expect(await answer('gil', 'sentence', 2)).toEqual({
      delivered: 'yes',
      message: 'Yes. It was delivered to gil, on 1 of 5 connections.',
    })
    await leave(gil)
    await leave(other)
    await say('sentence')
    expect((await answer('gil', 'sentence', 3)).message).toBe('No. gil had left sentence before it was sent.')
    const hal = await join('hal', 'sentence')
    expect((await answer('hal', 'sentence', 3)).message).toBe(
      'No. hal joined sentence after it was sent. It’s in the room’s history.',
    )
    await say('sentence')
    expect((await answer('hal', 'sentence', 4)).message).toBe('Yes. It was delivered to hal.')
    const [{ connectionId }] = (await get('connections?userId=hal')).body.connections
    expect((await answer(connectionId, 'sentence', 4)).message).toBe('Yes. It was delivered to hal’s connection.')
    await say('hall')
    expect((await answer('hal', 'hall', 1)).message).toBe('No. hal was never in hall.')
    expect((await answer('hal', 'hall', 9)).message).toBe(
      'No. There’s no such event: hall has no event 9; the latest is 1.',
    )
    expect(await answer('nix', 'hall', 1)).toEqual({
      delivered: 'unknown',
      message: 'We can’t tell. There’s no record of nix in /.',
    })
    await leave(hal)
  })
})

describe('[D8] on the command line', () => {
  const run = async (
    command: (given: Parameters<typeof who>[0]) => Promise<void>,
    argv: string[],
    signal = new AbortController().signal,
  ) => {
    const lines: string[] = []
    const env = { ROOMFUL_API_KEY: API_KEY }
    await command({ argv: [...argv, '--server', serving.url], env, print: (line) => lines.push(line), signal })
    return lines
  }

  it('publish, tail, who and explain say it in lines', async () => {
    const eve = await join('eve', 'lines')
    expect(await run(publish, ['lines', 'note', '{"text":"one"}', '--user', 'eve'])).toEqual([
      'Stored as lines-1, number 1 of lines.',
    ])
    await run(publish, ['lines', 'note'])
    const [first = '', second = ''] = await run(tail, ['lines', '--follow', 'off'])
    expect(first).toMatch(/^#1 20\S+Z note \{"text":"one"\}$/)
    expect(second).toMatch(/^#2 20\S+Z note \{\}$/)
    expect(await run(who, ['lines'])).toEqual(['1 user in lines', '  eve  eve  online'])
    const [answer, event = '', verdict = ''] = await run(explain, ['eve', 'lines', '1'])
    expect(answer).toBe('Yes. It was delivered to eve.')
    expect(event).toMatch(/^Event 1 of lines: note by eve, 20/)
    expect(verdict).toMatch(/^ {2}c_\S+ {2}TOLD {2}It joined at event 0 and received event 1 live\.$/)
    await leave(eve)
  })

  it('tail follows until it is stopped, and gives JSON to programs', async () => {
    const stop = new AbortController()
    const lines: string[] = []
    const done = tail({
      argv: ['followed', '--after', '0', '--format', 'json', '--server', serving.url],
      env: { ROOMFUL_API_KEY: API_KEY },
      print: (line) => {
        lines.push(line)
        if (lines.length === 150) stop.abort()
      },
      signal: stop.signal,
    })
    for (let i = 0; i < 150; i++) await say('followed')
    await done
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(
      Array.from({ length: 150 }, (_, i) => i + 1),
    )
  })

  it.each<[string[], Record<string, string>, RegExp]>([
    [['lines'], {}, /Say the key of the server’s API: set ROOMFUL_API_KEY/],
    [[], { ROOMFUL_API_KEY: API_KEY }, /Write it as: roomful who <room>\./],
    [['lines'], { ROOMFUL_API_KEY: 'another-key-0123456789-0123456789' }, /does not take this API key/],
    [['lines', '--namespace', '/none'], { ROOMFUL_API_KEY: API_KEY }, /There is no namespace "\/none" \(NOT_FOUND\)\./],
    [['lines', '--server', 'ftp://x'], { ROOMFUL_API_KEY: API_KEY }, /--server must be an http or https URL/],
    [['lines', '--server', 'http://127.0.0.1:1'], { ROOMFUL_API_KEY: API_KEY }, /No server answers at .*--server/],
    [['lines', '--format', 'xml'], { ROOMFUL_API_KEY: API_KEY }, /--format must be "text" or "json"/],
  ])('%j %j ends with a sentence', async (argv, env, sentence) => {
    const server = argv.includes('--server') ? [] : ['--server', serving.url]
    const given = { argv: [...argv, ...server], env, print: () => undefined, signal: new AbortController().signal }
    await expect(who(given)).rejects.toThrow(sentence)
  })

  it('says when a server has no API', async () => {
    await using other = await serveHttp({ apiKey: undefined })
    const given = { env: { ROOMFUL_API_KEY: API_KEY }, print: () => undefined, signal: new AbortController().signal }
    await expect(who({ argv: ['x', '--server', other.url], ...given })).rejects.toThrow(/has no server API/)
  })
})
