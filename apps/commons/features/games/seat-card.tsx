/** One player: who it is, whether they are there, what they have won, and the card before them. */
import clsx from 'clsx'
import { Bot, Check, WifiOff } from 'lucide-react'
import type { ReactElement } from 'react'
import { Avatar } from '../../web/ui/avatar.tsx'
import type { GamePlayer, GameView } from './contract.ts'

export interface SeatCardProps {
  readonly player: GamePlayer
  readonly game: GameView
  readonly isMe: boolean
}

export function SeatCard({ player, game, isMe }: SeatCardProps): ReactElement {
  const { userId, name, isBot, isHere, score } = player
  const isWinner = game.isOpen && game.last?.winner === userId
  return (
    <div
      className={clsx(
        // On a phone one below the other, each on a line, so that one's own cards are on the screen too.
        'flex h-full items-center justify-between gap-3 rounded-xl border bg-surface px-3 py-2 shadow-card transition-colors',
        'sm:min-h-28 sm:flex-col sm:items-stretch sm:justify-start sm:py-3',
        isWinner ? 'border-accent ring-1 ring-accent' : 'border-line',
      )}
    >
      <div className="flex min-w-0 items-center gap-2.5">
        {isBot ? (
          <span aria-hidden className="grid size-9 shrink-0 place-items-center rounded-full bg-ink/10 text-muted">
            <Bot size={18} />
          </span>
        ) : (
          <Avatar id={userId} name={name} status={isHere ? 'online' : 'offline'} />
        )}
        <span className="min-w-0">
          <span className="block truncate font-medium text-sm">
            <bdi>{name}</bdi>
            {isMe && ' (you)'}
          </span>
          <span className="block text-muted text-xs">
            {!isHere && 'Away · '}
            {score === 1 ? '1 point' : `${score} points`}
          </span>
        </span>
      </div>
      {game.phase === 'playing' && <Laid player={player} game={game} />}
    </div>
  )
}

/** What lies before a player, in words and as a card. */
function Laid({ player, game }: Pick<SeatCardProps, 'player' | 'game'>): ReactElement {
  const { userId, isHere, isBot, hasPlayed } = player
  if (game.isOpen) {
    const card = game.last?.cards.find((each) => each.userId === userId)?.card
    return (
      <p className="grid h-10 w-8 shrink-0 animate-appear place-items-center self-center rounded-lg border sm:h-14 sm:w-10 border-edge bg-raised font-semibold text-lg tabular-nums">
        <span className="sr-only">Played</span>
        {card}
      </p>
    )
  }
  if (hasPlayed || isBot) {
    return (
      <p className="grid h-10 w-8 shrink-0 place-items-center self-center rounded-lg bg-accent sm:h-14 sm:w-10 text-on-accent">
        <Check aria-hidden size={18} />
        <span className="sr-only">Has played</span>
      </p>
    )
  }
  return (
    <p className="grid h-10 w-8 shrink-0 place-items-center self-center rounded-lg border border-edge sm:h-14 sm:w-10 border-dashed text-muted">
      {isHere ? <span aria-hidden>?</span> : <WifiOff aria-hidden size={16} />}
      <span className="sr-only">{isHere ? 'Thinking…' : 'Away'}</span>
    </p>
  )
}
