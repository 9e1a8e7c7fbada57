/** All tables, with who may still join. */
import { useClient } from '@roomful/react'
import clsx from 'clsx'
import { Armchair, Eye, Plus, Spade } from 'lucide-react'
import { type FormEvent, type ReactElement, useEffect, useState } from 'react'
import { Link } from 'wouter'
import { AwayNote } from '../../web/live/away.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { Field } from '../../web/ui/field.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import type { GameSummary, gamesContract } from './contract.ts'
import { pathOf } from './paths.ts'

export function LobbyPage({ onOpen }: { onOpen: (roomId: string) => void }): ReactElement {
  const client = useClient<typeof gamesContract>()
  const {
    data: games,
    error,
    change,
    reload,
  } = useLoaded<readonly GameSummary[]>(async () => (await client.request('game:list')).games)
  const [isNaming, setNaming] = useState(false)
  /** What is asked for: a table of one's own, or a seat at the one with this id. */
  const [busy, setBusy] = useState<string>()

  useEffect(() => client.on('game:changed', (game) => change((all) => put(all, game))), [client, change])
  useEffect(
    () => client.on('game:removed', ({ roomId }) => change((all) => all.filter((game) => game.roomId !== roomId))),
    [client, change],
  )

  const take = async (what: string, failed: string, seat: Promise<{ roomId: string }>): Promise<void> => {
    setBusy(what)
    try {
      onOpen((await seat).roomId)
    } catch (refused) {
      toastError(failed, refused)
      setBusy(undefined)
    }
  }
  /** Sent again after a cut, and done once. */
  const once = (): { key: string } => ({ key: client.createKey() })
  const create = (name: string): void =>
    void take('new', 'Couldn’t create the table', client.request('game:create', { name }, once()))
  const join = ({ roomId, name }: GameSummary): void =>
    void take(roomId, `Couldn’t join ${name}`, client.request('game:join', { roomId }, once()))

  const action = (
    <Button tone="primary" icon={Plus} onClick={() => setNaming(true)}>
      New table
    </Button>
  )
  return (
    <PageBody>
      <PageHeader
        title="Games"
        description="Clash: four players, seven rounds, one minute. The highest unique card wins the round."
        actions={action}
      />
      {games === undefined ? (
        <NotLoaded what="tables" error={error} onRetry={reload} />
      ) : games.length === 0 ? (
        <Card>
          <EmptyState icon={Spade} title="No games right now" action={action}>
            Create a table. Others see it right away, and bots can fill empty seats.
          </EmptyState>
        </Card>
      ) : (
        <ul aria-label="Tables" className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          {games.map((game) => (
            <li key={game.roomId}>
              <TableCard game={game} isBusy={busy === game.roomId} onJoin={() => join(game)} />
            </li>
          ))}
        </ul>
      )}
      <Dialog open={isNaming} onOpenChange={setNaming} title="Create a table" description="You get the first seat.">
        <NameForm isBusy={busy === 'new'} onSubmit={create} />
      </Dialog>
    </PageBody>
  )
}

interface TableCardProps {
  readonly game: GameSummary
  readonly isBusy: boolean
  readonly onJoin: () => void
}

/** Its name leads to the table and takes no seat; that is what the button is for. */
function TableCard({ game, isBusy, onJoin }: TableCardProps): ReactElement {
  const { roomId, name, players, max, phase } = game
  const isOpen = phase !== 'playing' && players < max
  return (
    <Card className="flex items-center gap-3 p-4">
      <div className="min-w-0 grow">
        <h2 dir="auto" className="truncate font-medium">
          <Link href={pathOf(roomId)} className="rounded hover:underline">
            {name}
          </Link>
        </h2>
        <p className="mt-1 flex items-center gap-2 text-muted text-sm">
          <span aria-hidden className="flex gap-0.5">
            {Array.from({ length: max }, (_, seat) => (
              <Armchair
                // biome-ignore lint/suspicious/noArrayIndexKey: seats have no other name
                key={seat}
                size={15}
                className={clsx(seat < players ? 'text-accent' : 'text-edge')}
              />
            ))}
          </span>
          {players} of {max}
          {phase === 'playing' && <Badge tone="soft">Playing</Badge>}
        </p>
      </div>
      {isOpen ? (
        <Button icon={Armchair} busy={isBusy} aria-label={`Join ${name}`} onClick={onJoin}>
          Join
        </Button>
      ) : (
        <Link
          href={pathOf(roomId)}
          aria-label={`Watch ${name}`}
          className="inline-flex h-10 shrink-0 items-center gap-2 rounded-lg px-4 font-medium text-sm hover:bg-ink/8"
        >
          <Eye aria-hidden size={16} />
          Watch
        </Link>
      )}
    </Card>
  )
}

function NameForm({ isBusy, onSubmit }: { isBusy: boolean; onSubmit: (name: string) => void }): ReactElement {
  const [name, setName] = useState('')
  const handleSubmit = (event: FormEvent): void => {
    event.preventDefault()
    onSubmit(name.trim())
  }
  return (
    <form onSubmit={handleSubmit}>
      <Field
        label="Table name"
        hint="Defaults to your name."
        value={name}
        maxLength={60}
        dir="auto"
        autoComplete="off"
        onChange={({ target }) => setName(target.value)}
      />
      <AwayNote />
      <Actions>
        <Cancel />
        <Button type="submit" tone="primary" busy={isBusy}>
          Create table
        </Button>
      </Actions>
    </form>
  )
}

function put(games: readonly GameSummary[], game: GameSummary): readonly GameSummary[] {
  if (!games.some(({ roomId }) => roomId === game.roomId)) return [...games, game]
  return games.map((each) => (each.roomId === game.roomId ? game : each))
}
