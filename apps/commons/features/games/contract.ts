/** What is said in the lobby and at the table. B24. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

/** A room id may come alone. */
const room = z.preprocess(
  (value) => (typeof value === 'string' ? { roomId: value } : value),
  z.object({ roomId: z.string().min(1).max(128) }),
)
const phase = z.enum(['waiting', 'playing', 'over'])

const summary = z.object({
  roomId: z.string(),
  name: z.string(),
  /** How many seats are taken. */
  players: z.number(),
  max: z.number(),
  phase,
})
export type GameSummary = z.infer<typeof summary>

const player = z.object({
  userId: z.string(),
  name: z.string(),
  isBot: z.boolean(),
  /** Connected, or cut off a moment ago. */
  isHere: z.boolean(),
  /** Wants another game, when one is over. */
  isReady: z.boolean(),
  score: z.number(),
  /** Cards not played yet. */
  cards: z.array(z.number()),
  /** Has laid a card for this round, face down. */
  hasPlayed: z.boolean(),
})

const round = z.object({
  prize: z.number(),
  cards: z.array(z.object({ userId: z.string(), card: z.number() })),
  /** Undefined when no card was alone: the prize goes to the next round. */
  winner: z.string().optional(),
})

const view = z.object({
  roomId: z.string(),
  name: z.string(),
  phase,
  players: z.array(player),
  /** From 1; 0 before the first. */
  round: z.number(),
  rounds: z.number(),
  /** What this round is worth, with what was carried over. */
  prize: z.number(),
  /** The cards of the round lie open until the next one begins. */
  isOpen: z.boolean(),
  /** Until the cards are turned, or the next round begins. */
  remainingMs: z.number(),
  /** How many look on without a seat. */
  watching: z.number(),
  last: round.optional(),
})
export type GameView = z.infer<typeof view>
export type GamePlayer = z.infer<typeof player>

const ok = z.object({ status: z.literal('ok') })

export const gamesContract = defineContract({
  client: {
    /** Makes a table for four and takes its first seat. */
    'game:create': event({
      data: z.object({ name: z.string().trim().max(60).default('') }).prefault({}),
      ack: z.object({ status: z.literal('ok'), roomId: z.string() }),
    }),
    'game:list': event({ ack: z.object({ status: z.literal('ok'), games: z.array(summary) }) }),
    /**
     * Looks at a table and takes no seat: the connection is in `watch:<roomId>`, or back at the table if its user has a
     * seat there; `card` is the one that was laid before.
     */
    'game:watch': event({
      data: room,
      ack: z.object({ status: z.literal('ok'), roomId: z.string(), game: view, card: z.number().optional() }),
    }),
    /** Takes a seat, or comes back to one's own; `card` is the one that was laid before. */
    'game:join': event({
      data: room,
      ack: z.object({ status: z.literal('ok'), roomId: z.string(), game: view, card: z.number().optional() }),
    }),
    'game:leave': event({ data: room, ack: ok }),
    /** Adds bots to the empty seats. */
    'game:fill': event({ data: room, ack: ok }),
    /** Lays a card; it may be changed until the cards are turned. */
    'game:play': event({ data: z.object({ roomId: z.string(), card: z.number().int() }), ack: ok }),
    /** Is ready for another game. */
    'game:again': event({ data: room, ack: ok }),
  },
  server: {
    'game-start': event({
      data: z.object({
        roomId: z.string(),
        players: z.array(z.object({ userId: z.string(), name: z.string() })),
      }),
    }),
    /** The whole table as everyone may see it, whenever it changed; to those at it and those who watch. */
    'game:state': event({ data: view }),
    /** A player left the table; during a game the player keeps the seat. */
    'player:left': event({ data: z.object({ roomId: z.string(), userId: z.string() }) }),
    /** A table of the lobby is new or has changed. */
    'game:changed': event({ data: summary, volatile: { latestBy: 'roomId' } }),
    'game:removed': event({ data: z.object({ roomId: z.string() }) }),
  },
})
