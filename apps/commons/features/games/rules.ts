/**
 * The game as a value: seven rounds, seven cards each. Every player plays one card face down, and the highest unique card wins
 * the round's prize. Without a unique card the prize carries over. A player who is late plays the lowest card. There is no
 * clock and no network here.
 */
export const SEATS = 4
export const ROUNDS = 7
const ALL_CARDS: readonly number[] = Array.from({ length: ROUNDS }, (_, index) => index + 1)

export interface Seat {
  readonly userId: string
  readonly name: string
  readonly isBot: boolean
  readonly isHere: boolean
  readonly isReady: boolean
  readonly score: number
  readonly cards: readonly number[]
  /** Laid face down for this round. */
  readonly card: number | undefined
}

export interface Round {
  readonly prize: number
  readonly cards: readonly { readonly userId: string; readonly card: number }[]
  readonly winner: string | undefined
}

export interface Game {
  readonly roomId: string
  readonly name: string
  readonly phase: 'waiting' | 'playing' | 'over'
  readonly seats: readonly Seat[]
  readonly round: number
  /** Prizes in the order in which they come. */
  readonly prizes: readonly number[]
  /** Prizes that no one won. */
  readonly carried: number
  /** The cards of this round have been turned. */
  readonly isOpen: boolean
  readonly last: Round | undefined
  /** When the phase within a round ends, ms since 1970. */
  readonly endsAt: number
}

export function newGame(roomId: string, name: string): Game {
  const none = { round: 0, prizes: [], carried: 0, isOpen: false, last: undefined, endsAt: 0 }
  return { roomId, name, phase: 'waiting', seats: [], ...none }
}

export function seatOf(game: Game, userId: string): Seat | undefined {
  return game.seats.find((seat) => seat.userId === userId)
}

/** The caller has seen that a seat is free. */
export function sitDown(game: Game, who: Pick<Seat, 'userId' | 'name' | 'isHere'> & { isBot?: boolean }): Game {
  const seat = { isBot: false, ...who, isReady: true, score: 0, cards: [], card: undefined }
  return { ...game, seats: [...game.seats, seat] }
}

export function standUp(game: Game, userId: string): Game {
  return { ...game, seats: game.seats.filter((seat) => seat.userId !== userId) }
}

export function changeSeat(game: Game, userId: string, change: Partial<Seat>): Game {
  return { ...game, seats: game.seats.map((seat) => (seat.userId === userId ? { ...seat, ...change } : seat)) }
}

/** Four who are there, and who all want to play. */
export function canStart(game: Game): boolean {
  const { phase, seats } = game
  return phase !== 'playing' && seats.length === SEATS && seats.every((seat) => seat.isHere && seat.isReady)
}

export function start(game: Game, random: () => number): Game {
  const seats = game.seats.map((seat) => ({ ...seat, score: 0, cards: ALL_CARDS, card: undefined }))
  const prizes = shuffle(ALL_CARDS, random)
  return { ...game, phase: 'playing', seats, prizes, round: 1, carried: 0, isOpen: false, last: undefined }
}

export function prizeOf({ prizes, round, carried }: Game): number {
  return (prizes[round - 1] ?? 0) + carried
}

/** No player has to be waited for. */
export function isComplete(game: Game): boolean {
  return game.seats.every((seat) => seat.isBot || !seat.isHere || seat.card !== undefined)
}

/** Turns the cards: the highest that is alone takes the prize. */
export function turnCards(game: Game, random: () => number): Game {
  const laid = game.seats.map((seat) => ({ userId: seat.userId, card: cardOf(seat, random) }))
  const alone = laid.filter(({ card }) => laid.filter((other) => other.card === card).length === 1)
  const best = alone.reduce<(typeof laid)[number] | undefined>(
    (high, each) => (high === undefined || each.card > high.card ? each : high),
    undefined,
  )
  const prize = prizeOf(game)
  const seats = game.seats.map((seat, index) => ({
    ...seat,
    score: seat.score + (seat.userId === best?.userId ? prize : 0),
    cards: seat.cards.filter((card) => card !== laid[index]?.card),
    card: undefined,
  }))
  const last = { prize, cards: laid, winner: best?.userId }
  return { ...game, seats, last, isOpen: true, carried: best ? 0 : prize }
}

export function nextRound(game: Game): Game {
  if (game.round < ROUNDS) return { ...game, round: game.round + 1, isOpen: false }
  const seats = game.seats.map((seat) => ({ ...seat, isReady: seat.isBot }))
  return { ...game, phase: 'over', seats, isOpen: false }
}

function cardOf({ card, cards, isBot }: Seat, random: () => number): number {
  if (card !== undefined) return card
  return (isBot ? cards[Math.floor(random() * cards.length)] : Math.min(...cards)) ?? 0
}

function shuffle(values: readonly number[], random: () => number): number[] {
  const shuffled = [...values]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a = 0, b = 0] = [shuffled[i], shuffled[j]]
    shuffled[i] = b
    shuffled[j] = a
  }
  return shuffled
}
