/** What others may see of a game: no card that lies face down. */
import type { GameSummary, GameView } from './contract.ts'
import { type Game, prizeOf, ROUNDS, SEATS } from './rules.ts'

/** @param watching how many look on without a seat */
export function viewOf(game: Game, now: number, watching: number): GameView {
  const { roomId, name, phase, seats, round, isOpen, last, endsAt } = game
  return {
    roomId,
    name,
    phase,
    players: seats.map(({ card, cards, ...seat }) => ({ ...seat, cards: [...cards], hasPlayed: card !== undefined })),
    round,
    rounds: ROUNDS,
    prize: phase === 'playing' ? (isOpen ? (last?.prize ?? 0) : prizeOf(game)) : 0,
    isOpen,
    remainingMs: phase === 'playing' ? Math.max(0, endsAt - now) : 0,
    watching,
    ...(last ? { last: { prize: last.prize, cards: [...last.cards], winner: last.winner } } : {}),
  }
}

export function summaryOf({ roomId, name, seats, phase }: Game): GameSummary {
  return { roomId, name, players: seats.length, max: SEATS, phase }
}
