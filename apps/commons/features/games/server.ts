/**
 * The lobby, and the game at its end. The tables are on the node that leads, and handlers on every node ask it: a seat is
 * given there in one synchronous step, so a race for the last one has one winner. The game starts when all four are in the
 * room, so each of them hears it. Who only looks takes no seat, and is in a room beside it. B24.
 */
import { RoomfulError, type User } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { type GameSummary, type GameView, gamesContract } from './contract.ts'
import { changeSeat, type Game, SEATS, seatOf, sitDown } from './rules.ts'
import { GameStore } from './store.ts'
import { PREFIX, Tables, WATCH } from './tables.ts'
import { summaryOf } from './view.ts'

const BOTS = ['Pepper', 'Juniper', 'Basil']

/** What a user wants of the tables. */
interface Asked {
  readonly what: keyof typeof ANSWERS
  readonly user: Pick<User, 'sub' | 'name' | 'role'>
  readonly roomId: string
  readonly name?: string
  readonly card?: number
}

interface Seen {
  readonly roomId: string
  readonly game: GameView
  readonly card?: number
}

/** @throws RoomfulError NOT_FOUND, FORBIDDEN */
function ownTable(tables: Tables, { roomId, user }: Asked): Game {
  const game = tables.get(roomId)
  if (seatOf(game, user.sub)) return game
  throw new RoomfulError('FORBIDDEN', 'You’re not at this table')
}

function seen(tables: Tables, { roomId, user }: Asked): Seen {
  const game = tables.get(roomId)
  const card = seatOf(game, user.sub)?.card
  return { roomId, game: tables.view(game), ...(card === undefined ? {} : { card }) }
}

/** What the node that leads does. */
const ANSWERS = {
  list: (tables: Tables): GameSummary[] => tables.list().map(summaryOf),
  exists: (tables: Tables, { roomId }: Asked): boolean => tables.has(roomId),
  isSeated: (tables: Tables, { roomId, user }: Asked): boolean =>
    tables.has(roomId) && seatOf(tables.get(roomId), user.sub) !== undefined,
  see: seen,
  async create(tables: Tables, { name = '', user }: Asked): Promise<string> {
    const { roomId } = tables.create(name === '' ? `${user.name}’s table` : name, user.sub)
    await tables.takeSeat(roomId, user)
    return roomId
  },
  async join(tables: Tables, asked: Asked): Promise<Seen> {
    await tables.takeSeat(asked.roomId, asked.user)
    return seen(tables, asked)
  },
  leave: (tables: Tables, { roomId, user }: Asked): void => tables.leave(roomId, user.sub),
  fill(tables: Tables, asked: Asked): void {
    let game = ownTable(tables, asked)
    if (game.phase === 'playing') throw new RoomfulError('CONFLICT', 'The game has already started')
    for (const name of BOTS) {
      if (game.seats.length < SEATS) game = sitDown(game, { userId: `bot:${name}`, name, isBot: true, isHere: true })
    }
    tables.put(game)
  },
  play(tables: Tables, asked: Asked): void {
    const { user, card = 0 } = asked
    const game = ownTable(tables, asked)
    if (game.phase !== 'playing' || game.isOpen) throw new RoomfulError('CONFLICT', 'Wait for the next round')
    if (!seatOf(game, user.sub)?.cards.includes(card)) {
      throw new RoomfulError('INVALID_MESSAGE', 'You don’t have that card', { field: 'card' })
    }
    tables.put(changeSeat(game, user.sub, { card }))
  },
  again(tables: Tables, asked: Asked): void {
    const game = ownTable(tables, asked)
    if (game.phase === 'over') tables.put(changeSeat(game, asked.user.sub, { isReady: true }))
  },
  entered(tables: Tables, { roomId, user }: Asked): void {
    if (roomId.startsWith(PREFIX)) tables.arrive(roomId, { userId: user.sub, name: user.name })
    else tables.watched(roomId.slice(WATCH.length), user.sub, true)
  },
  left(tables: Tables, { roomId, user }: Asked): void {
    if (roomId.startsWith(PREFIX)) tables.leave(roomId, user.sub)
    else tables.watched(roomId.slice(WATCH.length), user.sub, false)
  },
}

export function addGames(commons: Commons): void {
  const { server, database } = commons
  const games = server.get('/').extend(gamesContract)
  const store = new GameStore(database)
  const lead = server.lead('games', async (leading) => {
    const tables = new Tables(commons, games, store, leading)
    leading.lost.addEventListener('abort', () => tables.stop())
    const restored = tables.restore()
    leading.answer(async (asked: Asked) => {
      await restored
      return ANSWERS[asked.what](tables, asked)
    })
    await restored
  })
  const ask = <Answer>(what: Asked['what'], user: User, roomId = '', more: Partial<Asked> = {}): Promise<Answer> => {
    const { sub, name, role } = user
    return lead.ask<Answer>({ what, roomId, user: { sub, name, role }, ...more } satisfies Asked)
  }

  const isSeated = (user: User, roomId: string): Promise<boolean> => ask('isSeated', user, roomId)
  const exists = (user: User, roomId: string): Promise<boolean> => ask('exists', user, roomId.slice(WATCH.length))
  games.room(`${WATCH}*`, { allow: { join: exists, publish: () => false } })
  games.room(`${PREFIX}*`, { retention: 500, allow: { join: isSeated, publish: isSeated, history: isSeated } })

  games.on('game:create', async (context, { name }) => {
    const roomId = await ask<string>('create', context.user, '', { name })
    await context.join(roomId)
    return { status: 'ok', roomId }
  })

  games.on('game:list', async ({ user }) => ({ status: 'ok', games: await ask<GameSummary[]>('list', user) }))

  games.on('game:join', async (context, { roomId }) => {
    const answer = await ask<Seen>('join', context.user, roomId)
    await context.join(roomId)
    context.leave(WATCH + roomId)
    return { status: 'ok', ...answer }
  })

  games.on('game:watch', async (context, { roomId }) => {
    const answer = await ask<Seen>('see', context.user, roomId)
    await context.join((await isSeated(context.user, roomId)) ? roomId : WATCH + roomId)
    return { status: 'ok', ...answer }
  })

  games.on('game:leave', async (context, { roomId }) => {
    context.leave(roomId)
    await ask('leave', context.user, roomId)
    return { status: 'ok' }
  })

  games.on('game:fill', async ({ user }, { roomId }) => {
    await ask('fill', user, roomId)
    return { status: 'ok' }
  })

  games.on('game:play', async ({ user }, { roomId, card }) => {
    await ask('play', user, roomId, { card })
    return { status: 'ok' }
  })

  games.on('game:again', async ({ user }, { roomId }) => {
    await ask('again', user, roomId)
    return { status: 'ok' }
  })

  const isOurs = (roomId: string): boolean => roomId.startsWith(PREFIX) || roomId.startsWith(WATCH)
  /** A lead that begins meanwhile reads who is where. */
  const tell = (what: 'entered' | 'left', user: User, roomId: string): void => {
    if (isOurs(roomId)) ask(what, user, roomId).catch(() => undefined)
  }
  games.hook('enter', (user, roomId) => tell('entered', user, roomId))
  games.hook('exit', (user, roomId) => tell('left', user, roomId))

  /** A second tab, or one that came back by itself, has not asked with `game:join`. */
  games.hook('join', async ({ id, user }, roomId) => {
    if (!roomId.startsWith(PREFIX)) return
    const answer = await ask<Seen>('see', user, roomId).catch(() => undefined) // the table has closed
    if (answer) games.to(id).emit('game:state', answer.game)
  })
}
