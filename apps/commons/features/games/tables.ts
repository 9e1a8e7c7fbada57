/**
 * The tables, on the node that leads: each game's value, its timer, and the members that receive its changes. Nothing here
 * knows connections; the handlers in `server.ts`, on whatever node, report who takes a seat, comes and leaves.
 */
import { type Lead, RoomfulError, type TypedNamespace, type User } from '@roomful/server'
import { Coalesce } from '../../coalesce.ts'
import type { Commons } from '../../commons.ts'
import type { GameView, gamesContract } from './contract.ts'
import {
  canStart,
  changeSeat,
  type Game,
  isComplete,
  newGame,
  nextRound,
  SEATS,
  seatOf,
  sitDown,
  standUp,
  start,
  turnCards,
} from './rules.ts'
import type { GameStore } from './store.ts'
import { summaryOf, viewOf } from './view.ts'

export const PREFIX = 'game:'
/** Before the id of a table: the room of those who look on. */
export const WATCH = 'watch:'
/** To choose a card, and to see who took the prize. */
export const CARD_MS = 12_000
export const OPEN_MS = 3_500
/** Who has a seat and is not there, after a restart or because the connection was lost on the way, may come until then. */
export const RETURN_MS = 15_000
/** A table without people is taken away after this. */
export const EMPTY_MS = 60_000
const LOBBY_INTERVAL_MS = 250
/** So that the list stays one that people can read. */
const TABLES_MAX = 100
/** Tables that one user opened and that are still there. */
const TABLES_PER_USER = 5

export class Tables {
  private readonly commons: Commons
  private readonly namespace: Pick<TypedNamespace<typeof gamesContract>, 'to' | 'emit'>
  private readonly store: GameStore
  /** Bound: TABLES_MAX. */
  private readonly games = new Map<string, Game>()
  /** Who opened a table since the start of the server. Bound: TABLES_MAX. */
  private readonly openedBy = new Map<string, string>()
  /** What ends the round of a table. */
  private readonly cancels = new Map<string, () => void>()
  private readonly lobby: Coalesce
  private readonly audience: Coalesce
  /** By table: who looks on. Bound: users in the namespace. */
  private readonly watchers = new Map<string, Set<string>>()
  private readonly room: TypedNamespace<typeof gamesContract>
  private readonly lead: Lead

  constructor(commons: Commons, room: TypedNamespace<typeof gamesContract>, store: GameStore, lead: Lead) {
    this.commons = commons
    this.room = room
    this.lead = lead
    const namespace = lead.fenced(room)
    this.namespace = namespace
    this.store = store
    this.lobby = new Coalesce(commons.clock, LOBBY_INTERVAL_MS, (roomId) => {
      const game = this.games.get(roomId)
      if (game) namespace.emit('game:changed', summaryOf(game))
    })
    this.audience = new Coalesce(commons.clock, LOBBY_INTERVAL_MS, (roomId) => {
      const game = this.games.get(roomId)
      if (game) this.show(game)
    })
  }

  /** When this node begins to lead: everyone has time to come back. */
  async restore(): Promise<void> {
    const games = this.store.take(this.lead.fence)
    const watching = await Promise.all(games.map(({ roomId }) => this.usersIn(WATCH + roomId)))
    for (const [i, { roomId }] of games.entries()) this.watchers.set(roomId, new Set(watching[i]))
    for (const game of games) {
      this.games.set(game.roomId, game)
      for (const { userId, isBot } of game.seats) if (!isBot) this.expect(game.roomId, userId)
      this.clearWhenEmpty(game.roomId)
      if (game.phase === 'playing') this.wait(game, game.isOpen ? OPEN_MS : RETURN_MS + CARD_MS)
    }
  }

  /** Stops rounds and timeouts: another node goes on, or this one when it starts again, and the players will return. */
  stop(): void {
    for (const cancel of this.cancels.values()) cancel()
    this.cancels.clear()
  }

  list(): Game[] {
    return [...this.games.values()]
  }

  has(roomId: string): boolean {
    return this.games.has(roomId)
  }

  /** @throws RoomfulError NOT_FOUND */
  get(roomId: string): Game {
    const game = this.games.get(roomId)
    if (!game) throw new RoomfulError('NOT_FOUND', 'This table has closed', { field: 'roomId' })
    return game
  }

  /** @throws RoomfulError TOO_MANY_GAMES */
  create(name: string, userId: string): Game {
    const own = [...this.openedBy.values()].filter((opener) => opener === userId)
    if (own.length >= TABLES_PER_USER) {
      throw new RoomfulError(
        'TOO_MANY_GAMES',
        `You’ve opened ${TABLES_PER_USER} tables. Wait until one of them closes.`,
      )
    }
    if (this.games.size >= TABLES_MAX) {
      throw new RoomfulError('TOO_MANY_GAMES', `There are already ${TABLES_MAX} tables. Join one of them.`)
    }
    const game = newGame(PREFIX + this.commons.random.id(8), name)
    this.games.set(game.roomId, game)
    this.openedBy.set(game.roomId, userId)
    return game
  }

  /** As everyone may see it now. */
  view(game: Game): GameView {
    return viewOf(game, this.commons.clock.now(), this.watchers.get(game.roomId)?.size ?? 0)
  }

  /** A watcher came or left. */
  watched(roomId: string, userId: string, isThere: boolean): void {
    const watching = this.watchers.get(roomId) ?? new Set()
    if (isThere && this.has(roomId)) this.watchers.set(roomId, watching.add(userId))
    else watching.delete(userId)
    this.audience.changed(roomId)
  }

  /** @throws RoomfulError NOT_FOUND, ROOM_FULL */
  async takeSeat(roomId: string, { sub: userId, name }: User): Promise<void> {
    if (seatOf(this.get(roomId), userId)) return
    const isHere = await this.isIn(roomId, userId) // in another tab, which stayed when this one left
    const game = this.get(roomId)
    if (seatOf(game, userId)) return
    if (game.seats.length >= SEATS || game.phase === 'playing') {
      const sentence = game.phase === 'playing' ? 'This game has already started' : `${game.name} is full`
      throw new RoomfulError('ROOM_FULL', sentence)
    }
    this.put(sitDown(game, { userId, name, isHere }))
    this.expect(roomId, userId)
  }

  /** The table changed: it is stored, sent to its members, and started or continued when it is time. */
  put(game: Game): void {
    if (!this.games.has(game.roomId)) return
    if (canStart(game)) return this.begin(game)
    if (game.phase === 'playing' && !game.isOpen && isComplete(game)) return this.turn(game)
    this.save(game)
  }

  /** A player is expected at the table; after a while without one the seat is free. */
  expect(roomId: string, userId: string): void {
    this.commons.clock.after(RETURN_MS, () => {
      const leaveIfGone = async (): Promise<void> => {
        if (!(await this.isIn(roomId, userId))) this.leave(roomId, userId)
      }
      leaveIfGone().catch(() => this.expect(roomId, userId)) // it cannot be said now
    })
  }

  /** A user has entered the room, and had a chair when the room's rules were checked. */
  arrive(roomId: string, who: { userId: string; name: string }): void {
    const game = this.games.get(roomId)
    if (!game) return
    if (seatOf(game, who.userId)) return this.put(changeSeat(game, who.userId, { isHere: true }))
    // Left and came back at once, so that the seat went after it was asked for again.
    if (game.phase !== 'playing' && game.seats.length < SEATS) this.put(sitDown(game, { ...who, isHere: true }))
  }

  /** With the others still there, a seat in a game that is on stays theirs; any other seat is free at once. */
  leave(roomId: string, userId: string): void {
    const game = this.games.get(roomId)
    const seat = game && seatOf(game, userId)
    if (!seat || this.lead.lost.aborted || (game.phase === 'playing' && !seat.isHere)) return
    this.namespace.to([roomId, WATCH + roomId]).emit('player:left', { roomId, userId })
    this.put(game.phase === 'playing' ? changeSeat(game, userId, { isHere: false }) : standUp(game, userId))
    this.clearWhenEmpty(roomId)
  }

  /** People are gone from a table: after a while it is taken away. */
  clearWhenEmpty(roomId: string): void {
    const isEmpty = (): boolean => !this.games.get(roomId)?.seats.some((seat) => !seat.isBot && seat.isHere)
    if (!isEmpty()) return
    this.commons.clock.after(EMPTY_MS, () => {
      if (isEmpty() && !this.lead.lost.aborted) this.remove(roomId)
    })
  }

  private async usersIn(roomId: string): Promise<string[]> {
    return (await this.room.roomUsers(roomId)).map(({ userId }) => userId)
  }

  private async isIn(roomId: string, userId: string): Promise<boolean> {
    return (await this.usersIn(roomId)).includes(userId)
  }

  private begin(game: Game): void {
    const { commons, namespace } = this
    const players = game.seats.map(({ userId, name }) => ({ userId, name }))
    namespace.to(game.roomId).emit('game-start', { roomId: game.roomId, players })
    this.wait(
      start(game, () => commons.random.fraction()),
      CARD_MS,
    )
  }

  private turn(game: Game): void {
    this.wait(
      turnCards(game, () => this.commons.random.fraction()),
      OPEN_MS,
    )
  }

  /** Saves the game, and goes on with it when the time is over. */
  private wait(game: Game, ms: number): void {
    const { clock } = this.commons
    const { roomId } = game
    this.cancels.get(roomId)?.()
    const goOn = (): void => {
      this.cancels.delete(roomId)
      const now = this.games.get(roomId)
      if (!now) return
      if (!now.isOpen) return this.turn(now)
      const next = nextRound(now)
      if (next.phase === 'playing') this.wait(next, CARD_MS)
      else this.finish(next)
    }
    this.cancels.set(roomId, clock.after(ms, goOn))
    this.save({ ...game, endsAt: clock.now() + ms })
  }

  /** Seats of those who left meanwhile are free again. */
  private finish(game: Game): void {
    const seats = game.seats.filter((seat) => seat.isHere)
    this.save({ ...game, seats })
  }

  private save(game: Game): void {
    this.games.set(game.roomId, game)
    this.store.save(game, this.lead.fence)
    this.show(game)
    this.lobby.changed(game.roomId)
  }

  private show(game: Game): void {
    this.namespace.to([game.roomId, WATCH + game.roomId]).emit('game:state', this.view(game))
  }

  private remove(roomId: string): void {
    this.cancels.get(roomId)?.()
    this.cancels.delete(roomId)
    this.games.delete(roomId)
    this.openedBy.delete(roomId)
    this.watchers.delete(roomId)
    this.store.delete(roomId, this.lead.fence)
    this.namespace.emit('game:removed', { roomId })
  }
}
