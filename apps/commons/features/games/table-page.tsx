/** The table: who sits there, what this round is worth, and the cards in one's hand. Opening it takes no seat. */
import { Armchair, ArrowLeft, Bot, DoorOpen, Eye, Hourglass, RotateCcw, Trophy } from 'lucide-react'
import type { ReactElement } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { sentenceOf } from '../../web/ui/error-sentence.ts'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import type { GameView } from './contract.ts'
import { Hand } from './hand.tsx'
import { SeatCard } from './seat-card.tsx'
import { TimeBar } from './time-bar.tsx'
import { useTable } from './use-table.ts'

const SEATS = 4

export function TablePage({ roomId, onLeave }: { roomId: string; onLeave: () => void }): ReactElement {
  const { game, error, card, isJoining, join, play, again, fill, leave } = useTable(roomId)
  const me = useMe()?.sub
  if (error) {
    const action = <Button onClick={onLeave}>All tables</Button>
    if (error.code === 'NOT_FOUND') {
      return (
        <EmptyState isPage icon={DoorOpen} title="This table has closed" action={action}>
          Tables close when everyone has left.
        </EmptyState>
      )
    }
    return (
      <EmptyState isPage icon={DoorOpen} title="Couldn’t open this table" action={action}>
        {sentenceOf(error)}
      </EmptyState>
    )
  }
  if (!game) return <NotLoaded what="table" error={undefined} onRetry={() => undefined} />

  const own = game.players.find(({ userId }) => userId === me)
  const free = SEATS - game.players.length
  const mayJoin = !own && free > 0 && game.phase !== 'playing'
  const joinTable = mayJoin && (
    <Button tone="primary" icon={Armchair} busy={isJoining} onClick={join}>
      Join
    </Button>
  )
  const actions = own ? (
    <Button
      icon={DoorOpen}
      onClick={() => {
        leave()
        onLeave()
      }}
    >
      Leave
    </Button>
  ) : (
    <>
      <Button icon={ArrowLeft} onClick={onLeave}>
        All tables
      </Button>
      {joinTable}
    </>
  )
  return (
    <PageBody>
      <PageHeader title={game.name} description={<Situation game={game} free={free} />} actions={actions} />
      {!own && (
        <p role="status" className="mb-4 flex items-center gap-2 text-muted text-sm">
          <Eye aria-hidden size={16} className="shrink-0" />
          {mayJoin ? 'You’re watching. Join to play.' : 'You’re watching this game.'}
        </p>
      )}
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
              Empty seat
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
          <Over game={game} me={me} isPlayer={own !== undefined} onAgain={again} onFill={free > 0 ? fill : undefined} />
        ) : (
          <EmptyState
            icon={Hourglass}
            title={free === 1 ? 'Waiting for 1 more player' : `Waiting for ${free} more players`}
            action={
              own && (
                <Button icon={Bot} onClick={fill}>
                  Add bots
                </Button>
              )
            }
          >
            Everyone plays one card face down. The highest card no one else played wins the points. You can use each
            card once.
          </EmptyState>
        )}
      </Card>
    </PageBody>
  )
}

function Situation({ game, free }: { game: GameView; free: number }): ReactElement {
  const { phase, round, rounds, watching } = game
  const seats = free === 1 ? '1 empty seat' : `${free} empty seats`
  const what = phase === 'playing' ? `Round ${round} of ${rounds}` : phase === 'over' ? 'Game over' : seats
  return <>{watching === 0 ? what : `${what} · ${watching} watching`}</>
}

function Prize({ game }: { game: GameView }): ReactElement {
  const { last, isOpen, prize, players, remainingMs, round } = game
  const winner = players.find(({ userId }) => userId === last?.winner)
  return (
    <div className="text-center">
      <p className="text-muted text-sm">{isOpen ? 'Points this round' : 'Points to win'}</p>
      <p className="my-1 font-semibold text-5xl tabular-nums tracking-tight">{prize}</p>
      <p aria-live="polite" className="min-h-6 text-sm">
        {isOpen &&
          (winner ? (
            <>
              <bdi className="font-medium">{winner.name}</bdi> wins the round
            </>
          ) : (
            'No unique card: the points carry over'
          ))}
      </p>
      <TimeBar key={`${round} ${isOpen}`} remainingMs={remainingMs} isQuiet={isOpen} />
    </div>
  )
}

interface OverProps {
  readonly game: GameView
  readonly me: string | undefined
  readonly isPlayer: boolean
  readonly onAgain: () => void
  readonly onFill: (() => void) | undefined
}

function Over({ game, me, isPlayer, onAgain, onFill }: OverProps): ReactElement {
  const ranked = [...game.players].sort((a, b) => b.score - a.score)
  const best = ranked[0]?.score ?? 0
  const winners = ranked.filter(({ score }) => score === best)
  const isReady = game.players.find(({ userId }) => userId === me)?.isReady ?? false
  const names = winners.map(({ userId, name }) => (userId === me ? 'You' : name)).join(' and ')
  const action = (
    <div className="flex flex-wrap justify-center gap-2">
      <Button tone="primary" icon={RotateCcw} disabled={isReady} onClick={onAgain}>
        {isReady ? 'Waiting for others…' : 'Play again'}
      </Button>
      {onFill && (
        <Button icon={Bot} onClick={onFill}>
          Add bots
        </Button>
      )}
    </div>
  )
  return (
    <EmptyState
      icon={Trophy}
      title={`${names} won with ${best} ${best === 1 ? 'point' : 'points'}`}
      action={isPlayer && action}
    >
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
