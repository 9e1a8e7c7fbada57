/** The lobby and the table: four seats, a start for those four alone, and a game that no trouble ends. B24. */
import type { Message, TestClient, TestServer } from '@roomful/testkit'
import { io, type Socket } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Database } from '../database.ts'
import { addGames } from '../features/games/server.ts'
import { CARD_MS, EMPTY_MS, OPEN_MS, RETURN_MS } from '../features/games/tables.ts'
import { serveCommons, testCommons, tokenOf } from './support/commons.ts'

const NAMES = ['ann', 'bob', 'cleo', 'dan'] as const

/** A table that the first one made and all of them joined. */
async function table(
  server: TestServer,
  names: readonly string[] = NAMES,
  dialect: 'plain' | 'v1' = 'plain',
): Promise<{ clients: TestClient[]; roomId: string }> {
  const clients: TestClient[] = []
  for (const user of names) clients.push(await server.connect({ user, dialect }))
  const [host, ...others] = clients
  if (!host) throw new Error('No host connected')
  const { roomId } = (await host.request('game:create', { name: 'Table' })).data
  for (const client of others) {
    const { error } = await client.request('game:join', { roomId })
    if (error) throw new Error(error.message)
  }
  return { clients, roomId }
}

const stateOf = (client: TestClient): Message => dataOf(client.messages('game:state').at(-1))
const dataOf = (message: Message = {}): Message => message.data ?? message

describe('the lobby', () => {
  it('[B24] starts at four, tells those four alone, and lists each table with its count', async () => {
    const server = await testCommons(addGames)
    const watcher = await server.connect({ user: 'watcher' })
    const first = await table(server)
    const second = await table(server, ['eve', 'fay'])
    for (const client of first.clients) {
      const starts = client.messages('game-start')
      expect(starts).toHaveLength(1)
      expect(starts[0]).toMatchObject({
        roomId: first.roomId,
        players: NAMES.map((userId) => ({ userId, name: userId })),
      })
    }
    for (const client of [watcher, ...second.clients]) expect(client.messages('game-start')).toEqual([])
    expect((await watcher.request('game:list')).data.games).toEqual([
      { roomId: first.roomId, name: 'Table', players: 4, max: 4, phase: 'playing' },
      { roomId: second.roomId, name: 'Table', players: 2, max: 4, phase: 'waiting' },
    ])
    expect(watcher.messages('game:changed').length).toBeGreaterThan(1)
  })

  it('[D21] lets one user open five tables, and others as many', async () => {
    const server = await testCommons(addGames)
    const [ann, bob] = [await server.connect({ user: 'ann' }), await server.connect({ user: 'bob' })]
    const open = async (client: TestClient) => (await client.request('game:create', { name: '' })).error?.code
    for (let i = 0; i < 5; i++) expect(await open(ann)).toBeUndefined()
    expect(await open(ann)).toBe('TOO_MANY_GAMES')
    expect(await open(bob)).toBeUndefined()
    for (const client of [ann]) client.close()
    await server.advance(EMPTY_MS + RETURN_MS)
    expect(await open(await server.connect({ user: 'ann' }))).toBeUndefined()
  })

  it('[B24] refuses a fifth with ROOM_FULL, also by the ordinary join', async () => {
    const server = await testCommons(addGames)
    const { roomId } = await table(server)
    const eve = await server.connect({ user: 'eve' })
    expect((await eve.request('game:join', { roomId })).error).toMatchObject({ code: 'ROOM_FULL' })
    expect((await eve.request('game:join', roomId)).error).toMatchObject({ code: 'ROOM_FULL' })
    expect((await eve.request('room:join', { roomId })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await eve.request('game:join', { roomId: 'game:nowhere' })).error).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('[B24] a race of forty for the last seat has one winner', async () => {
    const server = await testCommons(addGames)
    const { roomId } = await table(server, ['ann', 'bob', 'cleo'])
    const racers: TestClient[] = []
    for (let i = 0; i < 40; i++) racers.push(await server.connect({ user: `racer ${i}` }))
    const ids = racers.map((client) => client.post('game:join', { roomId }))
    await server.settle()
    const answers = racers.map((client, index) => client.answer(ids[index] ?? ''))
    expect(answers.filter((answer) => answer?.data.status === 'ok')).toHaveLength(1)
    expect(answers.filter((answer) => answer?.error?.code === 'ROOM_FULL')).toHaveLength(39)
  })

  it('[B24] a seat is free again when its user leaves, and the others are informed', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann', 'bob'])
    clients[1]?.cut()
    expect(await clients[0]?.next('player:left')).toMatchObject({ userId: 'bob', roomId })
    expect((await clients[0]?.request('game:list'))?.data.games).toMatchObject([{ players: 1 }])
  })

  it('[B24] [G6] a cut-off player keeps the seat while they may come back', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann', 'bob'], 'v1')
    clients[1]?.cut()
    await server.advance(3_000)
    expect((await clients[0]?.request('game:list'))?.data.games).toMatchObject([{ players: 2 }])
    await server.advance(3_000)
    expect(dataOf(clients[0]?.messages('player:left')[0])).toMatchObject({ userId: 'bob', roomId })
  })

  it('[B24] who is lost on the way to the last seat loses it, and another may take it', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann', 'bob', 'cleo'])
    const lost = await server.connect({ user: 'lost' })
    lost.post('game:join', { roomId })
    lost.cut()
    await server.advance(RETURN_MS)
    const dan = await server.connect({ user: 'dan' })
    expect((await dan.request('game:join', { roomId })).data).toMatchObject({ status: 'ok' })
    expect(clients[0]?.messages('game-start')).toHaveLength(1)
  })

  it('[B24] who leaves and comes back at once has the seat', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann', 'bob'])
    const [ann, bob] = clients as [TestClient, TestClient]
    bob.post('room:leave', { roomId })
    bob.post('game:join', { roomId })
    await server.settle()
    expect(stateOf(ann)).toMatchObject({ players: [{ userId: 'ann' }, { userId: 'bob', isHere: true }] })
  })

  it('[B24] opening a table takes no seat and starts no game; who watches sees it, and joins when they ask', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann', 'bob', 'cleo'])
    const dan = await server.connect({ user: 'dan' })
    const opened = await dan.request('game:watch', { roomId })
    expect(opened.data).toMatchObject({ game: { phase: 'waiting', players: { length: 3 } } })
    await server.advance(1_000)
    expect(stateOf(clients[0] as TestClient)).toMatchObject({ phase: 'waiting', players: { length: 3 }, watching: 1 })
    expect(clients[0]?.messages('game-start')).toEqual([])
    for (const event of ['game:play', 'game:fill', 'game:again'])
      expect((await dan.request(event, { roomId, card: 1 })).error).toMatchObject({ code: 'FORBIDDEN' })
    expect((await dan.request('message:send', { roomId, content: 'psst' })).error).toMatchObject({ code: 'FORBIDDEN' })

    const eve = await server.connect({ user: 'eve' })
    await eve.request('game:watch', roomId)
    await dan.request('game:join', { roomId })
    await server.advance(1_000)
    for (const each of [...clients, dan, eve])
      expect(stateOf(each as TestClient)).toMatchObject({ phase: 'playing', players: { length: 4 }, watching: 1 })
    expect(dan.messages('game-start')).toHaveLength(1)
    expect(eve.messages('game-start')).toEqual([]) // only the four receive it
    eve.close()
    await server.advance(1_000)
    expect(stateOf(dan)).toMatchObject({ phase: 'playing', watching: 0 })
    expect((await dan.request('game:watch', { roomId: 'game:nowhere' })).error).toMatchObject({ code: 'NOT_FOUND' })
    expect((await dan.request('room:join', { roomId: 'watch:game:nowhere' })).error).toMatchObject({
      code: 'FORBIDDEN',
    })
  })

  it('[B24] who has a seat and opens the table again is back in it, with the card that was laid', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server)
    await clients[0]?.request('game:play', { roomId, card: 4 })
    clients[0]?.cut()
    await server.advance(6_000)
    expect(stateOf(clients[1] as TestClient)).toMatchObject({ players: [{ userId: 'ann', isHere: false }, {}, {}, {}] })
    const ann = await server.connect({ user: 'ann' })
    expect((await ann.request('game:watch', { roomId })).data).toMatchObject({ card: 4, game: { watching: 0 } })
    await server.settle()
    expect(stateOf(clients[1] as TestClient)).toMatchObject({ players: [{ userId: 'ann', isHere: true }, {}, {}, {}] })
  })

  it('[B24] a table without people is taken away', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann'])
    const watcher = await server.connect({ user: 'watcher' })
    clients[0]?.close()
    await server.advance(EMPTY_MS)
    expect(await watcher.next('game:removed')).toMatchObject({ roomId })
    expect((await watcher.request('game:list')).data.games).toEqual([])
  })
})

describe('a game', () => {
  it('[B24] is played to its end by four, each card once, and again when all want to', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server)
    for (let round = 1; round <= 7; round++) {
      for (const [index, client] of clients.entries()) {
        // The first one always has a card of its own; the others get in each other's way.
        const card = index === 0 ? round : (round % 7) + 1
        expect((await client.request('game:play', { roomId, card })).data).toEqual({ status: 'ok' })
      }
      expect(stateOf(clients[0] as TestClient)).toMatchObject({ isOpen: true, round, last: { winner: 'ann' } })
      await server.advance(OPEN_MS)
    }
    const over = stateOf(clients[3] as TestClient)
    expect(over).toMatchObject({ phase: 'over', players: [{ score: 28, cards: [] }, { score: 0 }, {}, {}] })
    for (const client of clients) await client.request('game:again', { roomId })
    expect(stateOf(clients[0] as TestClient)).toMatchObject({ phase: 'playing', round: 1 })
    expect(clients[0]?.messages('game-start')).toHaveLength(2)
  })

  it('[B24] hides what was laid until all have laid, and refuses what cannot be', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server)
    const [ann, bob] = clients as [TestClient, TestClient]
    await ann.request('game:play', { roomId, card: 7 })
    const { players } = stateOf(bob)
    expect(players[0]).toMatchObject({ userId: 'ann', hasPlayed: true, cards: [1, 2, 3, 4, 5, 6, 7] })
    expect(JSON.stringify(players)).not.toContain('"card"')
    await ann.request('game:play', { roomId, card: 3 }) // one may think again
    expect((await ann.request('game:join', { roomId })).data).toMatchObject({ card: 3 })
    expect((await ann.request('game:play', { roomId, card: 9 })).error).toMatchObject({ field: 'card' })
    const eve = await server.connect({ user: 'eve' })
    expect((await eve.request('game:play', { roomId, card: 1 })).error).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('[B24] waits for no player for ever: one who plays nothing plays the lowest card', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server)
    await clients[0]?.request('game:play', { roomId, card: 2 })
    await server.advance(CARD_MS)
    expect(stateOf(clients[1] as TestClient)).toMatchObject({
      last: { winner: 'ann', cards: [{ card: 2 }, { card: 1 }, { card: 1 }, { card: 1 }] },
    })
  })

  it('[B24] keeps the seat of who is gone, and goes on without waiting for them', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server)
    clients[3]?.cut()
    expect(await clients[0]?.next('player:left')).toMatchObject({ userId: 'dan' })
    for (const client of clients.slice(0, 3)) await client.request('game:play', { roomId, card: 5 })
    expect(stateOf(clients[0] as TestClient)).toMatchObject({ isOpen: true, last: { winner: 'dan' } })
    const dan = await server.connect({ user: 'dan' })
    expect((await dan.request('game:join', { roomId })).data.game).toMatchObject({ phase: 'playing', round: 1 })
    expect(stateOf(clients[0] as TestClient)).toMatchObject({ players: [{}, {}, {}, { isHere: true }] })
  })

  it('[B24] can be played alone against bots', async () => {
    const server = await testCommons(addGames)
    const { clients, roomId } = await table(server, ['ann'])
    await clients[0]?.request('game:fill', { roomId })
    for (let round = 1; round <= 7; round++) {
      await clients[0]?.request('game:play', { roomId, card: round })
      await server.advance(OPEN_MS)
    }
    const { phase, players } = stateOf(clients[0] as TestClient)
    expect(phase).toBe('over')
    expect(players.reduce((sum: number, { score }: { score: number }) => sum + score, 0)).toBeLessThanOrEqual(28)
  })

  it('[B24] outlives a restart of the server in its middle', async () => {
    const database = new Database(':memory:')
    const first = await testCommons(addGames, { database })
    const { clients, roomId } = await table(first)
    await clients[0]?.request('game:play', { roomId, card: 6 })
    await first.close()

    const second = await testCommons(addGames, { database, clock: first.clock })
    const ann = await second.connect({ user: 'ann' })
    expect((await ann.request('game:join', { roomId })).data).toMatchObject({ card: 6, game: { phase: 'playing' } })
    await second.advance(RETURN_MS)
    expect(stateOf(ann)).toMatchObject({ players: [{ isHere: true }, { isHere: false }, {}, {}] })
    await second.advance(CARD_MS)
    expect(stateOf(ann)).toMatchObject({ last: { winner: 'ann' } })
  })
})

it('[B24] [C7] official Socket.IO clients: four start, the fifth is refused, a goodbye is announced', async () => {
  const { url } = await serveCommons(addGames)
  const open = (sub: string): Socket => {
    const socket = io(url, { auth: { token: tokenOf(sub) }, transports: ['websocket'], forceNew: true })
    onTestFinished(() => void socket.disconnect())
    return socket
  }
  const sockets = NAMES.map(open)
  const started = Promise.all(
    sockets.map((socket) => new Promise<{ roomId: string }>((resolve) => socket.once('game-start', resolve))),
  )
  const [host, ...others] = sockets as [Socket, ...Socket[]]
  const { roomId } = await host.emitWithAck('game:create')
  for (const socket of others) expect(await socket.emitWithAck('game:join', { roomId })).toMatchObject({ status: 'ok' })
  for (const start of await started) expect(start).toMatchObject({ roomId, players: { length: 4 } })
  expect(await open('eve').emitWithAck('game:join', { roomId })).toMatchObject({ status: 'error', code: 'ROOM_FULL' })
  const left = new Promise((resolve) => host.once('player:left', resolve))
  others[1]?.disconnect()
  expect(await left).toMatchObject({ userId: 'cleo' })
})
