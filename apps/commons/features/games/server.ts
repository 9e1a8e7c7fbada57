/**
 * The lobby, and the game at its end. A seat is given in one synchronous step, so a race for the last one has one winner;
 * the game starts when all four are in the room, so each of them hears it. Who only looks takes no seat, and is in a room
 * beside it. B24.
 */
import { RoomfulError, type User } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { gamesContract } from './contract.ts'
import { changeSeat, type Game, SEATS, seatOf, sitDown } from './rules.ts'
import { GameStore } from './store.ts'
import { PREFIX, Tables, WATCH } from './tables.ts'
import { summaryOf } from './view.ts'

const BOTS = ['Pepper', 'Juniper', 'Basil']

export function addGames(commons: Commons): void {
  const { server, database } = commons
  const games = server.get('/').extend(gamesContract)
  const tables = new Tables(commons, games, new GameStore(database))
  const isSeated = (user: User, roomId: string): boolean =>
    tables.has(roomId) && seatOf(tables.get(roomId), user.sub) !== undefined
  const exists = (_user: User, roomId: string): boolean => tables.has(roomId.slice(WATCH.length))
  games.room(`${WATCH}*`, { allow: { join: exists, publish: () => false } })
  games.room(`${PREFIX}*`, { retention: 500, allow: { join: isSeated, publish: isSeated, history: isSeated } })
  server.whileOpen((closing) => {
    tables.restore()
    closing.addEventListener('abort', () => tables.stop())
  })

  /** @throws RoomfulError ROOM_FULL */
  const takeSeat = (game: Game, { sub: userId, name }: User): void => {
    if (seatOf(game, userId)) return
    if (game.seats.length >= SEATS || game.phase === 'playing') {
      const sentence = game.phase === 'playing' ? 'This game has already started' : `${game.name} is full`
      throw new RoomfulError('ROOM_FULL', sentence)
    }
    const isHere = games.hasUser(game.roomId, userId) // in another tab, which stayed when this one left
    tables.put(sitDown(game, { userId, name, isHere }))
    tables.expect(game.roomId, userId)
  }

  /** @throws RoomfulError NOT_FOUND, FORBIDDEN */
  const ownTable = (roomId: string, user: User): Game => {
    const game = tables.get(roomId)
    if (seatOf(game, user.sub)) return game
    throw new RoomfulError('FORBIDDEN', 'You’re not at this table')
  }

  const seen = (roomId: string, user: User) => {
    const game = tables.get(roomId)
    const card = seatOf(game, user.sub)?.card
    return { status: 'ok' as const, roomId, game: tables.view(game), ...(card === undefined ? {} : { card }) }
  }

  games.on('game:create', async (context, { name }) => {
    const game = tables.create(name === '' ? `${context.user.name}’s table` : name, context.user.sub)
    takeSeat(game, context.user)
    await context.join(game.roomId)
    return { status: 'ok', roomId: game.roomId }
  })

  games.on('game:list', () => ({ status: 'ok', games: tables.list().map(summaryOf) }))

  games.on('game:join', async (context, { roomId }) => {
    takeSeat(tables.get(roomId), context.user)
    await context.join(roomId)
    context.leave(WATCH + roomId)
    return seen(roomId, context.user)
  })

  games.on('game:watch', async (context, { roomId }) => {
    const game = tables.get(roomId)
    await context.join(seatOf(game, context.user.sub) ? roomId : WATCH + roomId)
    return seen(roomId, context.user)
  })

  games.on('game:leave', (context, { roomId }) => {
    context.leave(roomId)
    tables.leave(roomId, context.user.sub)
    return { status: 'ok' }
  })

  games.on('game:fill', (context, { roomId }) => {
    let game = ownTable(roomId, context.user)
    if (game.phase === 'playing') throw new RoomfulError('CONFLICT', 'The game has already started')
    for (const name of BOTS) {
      if (game.seats.length < SEATS) game = sitDown(game, { userId: `bot:${name}`, name, isBot: true, isHere: true })
    }
    tables.put(game)
    return { status: 'ok' }
  })

  games.on('game:play', (context, { roomId, card }) => {
    const game = ownTable(roomId, context.user)
    if (game.phase !== 'playing' || game.isOpen) throw new RoomfulError('CONFLICT', 'Wait for the next round')
    if (!seatOf(game, context.user.sub)?.cards.includes(card)) {
      throw new RoomfulError('INVALID_MESSAGE', 'You don’t have that card', { field: 'card' })
    }
    tables.put(changeSeat(game, context.user.sub, { card }))
    return { status: 'ok' }
  })

  games.on('game:again', (context, { roomId }) => {
    const game = ownTable(roomId, context.user)
    if (game.phase === 'over') tables.put(changeSeat(game, context.user.sub, { isReady: true }))
    return { status: 'ok' }
  })

  games.hook('enter', ({ sub, name }, roomId) => {
    if (roomId.startsWith(PREFIX)) tables.arrive(roomId, { userId: sub, name })
    if (roomId.startsWith(WATCH)) tables.watched(roomId.slice(WATCH.length))
  })

  /** A second tab, or one that came back by itself, has not asked with `game:join`. */
  games.hook('join', ({ id }, roomId) => {
    if (roomId.startsWith(PREFIX) && tables.has(roomId)) {
      games.to(id).emit('game:state', tables.view(tables.get(roomId)))
    }
  })

  games.hook('exit', ({ sub }, roomId) => {
    if (roomId.startsWith(PREFIX)) tables.leave(roomId, sub)
    if (roomId.startsWith(WATCH)) tables.watched(roomId.slice(WATCH.length))
  })
}
