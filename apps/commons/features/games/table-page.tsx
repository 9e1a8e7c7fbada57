/** The table: who sits there, what this round is worth, and the cards in one's hand. */
import { Bot, DoorOpen, Hourglass, RotateCcw, Trophy } from 'lucide-react'
import type { ReactElement } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import type { GameView } from './contract.ts'
import { Hand } from './hand.tsx'
import { SeatCard } from './seat-card.tsx'
import { TimeBar } from './time-bar.tsx'
import { useTable } from './use-table.ts'

const SEATS = 4

export function TablePage({ roomId, onLeave }: { roomId: string; onLeave: () => void }): ReactElement {
  const { game, error, card, play, again, fill, leave } = useTable(roomId)
  const me = useMe()?.sub
  if (error) {
    const action = <Button onClick={onLeave}>Back to the tables</Button>
    const title = error.code === 'ROOM_FULL' ? 'This table is full' : 'You cannot sit here'
    return (
      <EmptyState isPage icon={DoorOpen} title={title} action={action}>
        {error.message}
      </EmptyState>
    )
  }
  if (!game) return <NotLoaded what="the table" error={undefined} onRetry={() => undefined} />

  const own = game.players.find(({ userId }) => userId === me)
  if (!own && me !== undefined) {
    const action = <Button onClick={onLeave}>Back to the tables</Button>
    return (
      <EmptyState isPage icon={DoorOpen} title="You do not sit here any more" action={action}>
        You left it in another window, or somebody took the seat while you were away.
      </EmptyState>
    )
  }
  const free = SEATS - game.players.length
  const leaveTable = (
    <Button
      icon={DoorOpen}
      onClick={() => {
        leave()
        onLeave()
      }}
    >
      Leave
    </Button>
  )
  return (
    <PageBody>
      <PageHeader title={game.name} description={<Situation game={game} free={free} />} actions={leaveTable} />
      <ul aria-label="Players" className="grid grid-cols-1 gap-2 sm:grid-cols-2 sm:gap-3 lg:grid-cols-4">
        {game.players.map((player) => (
          <li key={player.userId}>
            <SeatCard player={player} game={game} isMe={player.userId === me} />
          </li>
        ))}
        {Array.from({ length: free }, (_, seat) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: free seats have no other name
          <li key={`free ${seat}`}>
            <div className="grid h-full min-h-14 place-items-center sm:min-h-28 rounded-xl border border-edge border-dashed text-muted text-sm">
              A free seat
            </div>
          </li>
        ))}
      </ul>
      <Card className="mt-4 p-4 sm:p-6">
        {game.phase === 'playing' ? (
          <>
            <Prize game={game} />
            {own && <Hand cards={own.cards} chosen={card} isOpen={game.isOpen} onChoose={play} />}
          </>
        ) : game.phase === 'over' ? (
          <Over game={game} me={me} onAgain={again} onFill={free > 0 ? fill : undefined} />
        ) : (
          <EmptyState
            icon={Hourglass}
            title={free === 1 ? 'One more, and it begins' : `Waiting for ${free} more`}
            action={
              <Button icon={Bot} onClick={fill}>
                Let the house play
              </Button>
            }
          >
            Everybody lays one card, face down. The highest that nobody else laid takes the prize. Each card is good for
            one round.
          </EmptyState>
        )}
      </Card>
    </PageBody>
  )
}

function Situation({ game, free }: { game: GameView; free: number }): ReactElement {
  if (game.phase === 'playing') return <>{`Round ${game.round} of ${game.rounds}`}</>
  if (game.phase === 'over') return <>The game is over</>
  return <>{free === 1 ? 'One seat is free' : `${free} seats are free`}</>
}

function Prize({ game }: { game: GameView }): ReactElement {
  const { last, isOpen, prize, players, remainingMs, round } = game
  const winner = players.find(({ userId }) => userId === last?.winner)
  return (
    <div className="text-center">
      <p className="text-muted text-sm">{isOpen ? 'This round was worth' : 'This round is worth'}</p>
      <p className="my-1 font-semibold text-5xl tabular-nums tracking-tight">{prize}</p>
      <p aria-live="polite" className="min-h-6 text-sm">
        {isOpen &&
          (winner ? (
            <>
              <bdi className="font-medium">{winner.name}</bdi> takes it
            </>
          ) : (
            'No card was alone: it goes to the next round'
          ))}
      </p>
      <TimeBar key={`${round} ${isOpen}`} remainingMs={remainingMs} isQuiet={isOpen} />
    </div>
  )
}

interface OverProps {
  readonly game: GameView
  readonly me: string | undefined
  readonly onAgain: () => void
  readonly onFill: (() => void) | undefined
}

function Over({ game, me, onAgain, onFill }: OverProps): ReactElement {
  const ranked = [...game.players].sort((a, b) => b.score - a.score)
  const best = ranked[0]?.score ?? 0
  const winners = ranked.filter(({ score }) => score === best)
  const isReady = game.players.find(({ userId }) => userId === me)?.isReady ?? false
  const names = winners.map(({ userId, name }) => (userId === me ? 'You' : name)).join(' and ')
  const action = (
    <div className="flex flex-wrap justify-center gap-2">
      <Button tone="primary" icon={RotateCcw} disabled={isReady} onClick={onAgain}>
        {isReady ? 'Waiting for the others' : 'Play again'}
      </Button>
      {onFill && (
        <Button icon={Bot} onClick={onFill}>
          Let the house play
        </Button>
      )}
    </div>
  )
  return (
    <EmptyState icon={Trophy} title={`${names} won with ${best}`} action={action}>
      <ol className="mx-auto mt-2 w-56 text-left">
        {ranked.map(({ userId, name, score }) => (
          <li key={userId} className="flex justify-between gap-4 py-1">
            <bdi className="truncate">{name}</bdi>
            <span className="font-medium text-ink tabular-nums">{score}</span>
          </li>
        ))}
      </ol>
    </EmptyState>
  )
}
