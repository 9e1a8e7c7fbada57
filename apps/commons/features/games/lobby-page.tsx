/** All tables, with who may still sit down. */
import { useClient } from '@roomful/react'
import clsx from 'clsx'
import { Armchair, Lock, Plus, Spade } from 'lucide-react'
import { type FormEvent, type ReactElement, useEffect, useState } from 'react'
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

export function LobbyPage({ onSit }: { onSit: (roomId: string) => void }): ReactElement {
  const client = useClient<typeof gamesContract>()
  const {
    data: games,
    error,
    change,
    reload,
  } = useLoaded<readonly GameSummary[]>(async () => (await client.request('game:list')).games)
  const [isNaming, setNaming] = useState(false)
  const [isBusy, setBusy] = useState(false)

  useEffect(() => client.on('game:changed', (game) => change((all) => put(all, game))), [client, change])
  useEffect(
    () => client.on('game:removed', ({ roomId }) => change((all) => all.filter((game) => game.roomId !== roomId))),
    [client, change],
  )

  const create = async (name: string): Promise<void> => {
    setBusy(true)
    try {
      const { roomId } = await client.request('game:create', { name })
      onSit(roomId)
    } catch (refused) {
      toastError('No table could be set', refused)
      setBusy(false)
    }
  }

  const action = (
    <Button tone="primary" icon={Plus} onClick={() => setNaming(true)}>
      New table
    </Button>
  )
  return (
    <PageBody>
      <PageHeader
        title="Games"
        description="Clash: four players, seven rounds, one minute. The highest card that nobody else played takes the prize."
        actions={action}
      />
      {games === undefined ? (
        <NotLoaded what="the tables" error={error} onRetry={reload} />
      ) : games.length === 0 ? (
        <Card>
          <EmptyState icon={Spade} title="Nobody plays right now" action={action}>
            Set a table: others see it at once. The house can take the seats that stay free.
          </EmptyState>
        </Card>
      ) : (
        <ul aria-label="Tables" className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          {games.map((game) => (
            <li key={game.roomId}>
              <TableCard game={game} onSit={() => onSit(game.roomId)} />
            </li>
          ))}
        </ul>
      )}
      <Dialog open={isNaming} onOpenChange={setNaming} title="New table" description="You take its first seat.">
        <NameForm isBusy={isBusy} onSubmit={(name) => void create(name)} />
      </Dialog>
    </PageBody>
  )
}

function TableCard({ game, onSit }: { game: GameSummary; onSit: () => void }): ReactElement {
  const { name, players, max, phase } = game
  const isOpen = phase !== 'playing' && players < max
  return (
    <Card className="flex items-center gap-4 p-4">
      <div className="min-w-0 grow">
        <h2 dir="auto" className="truncate font-medium">
          {name}
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
      <Button
        icon={isOpen ? Armchair : Lock}
        disabled={!isOpen}
        onClick={onSit}
        {...(isOpen && { 'aria-label': `Sit down at ${name}` })}
      >
        {isOpen ? 'Sit down' : phase === 'playing' ? 'In play' : 'Full'}
      </Button>
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
        label="Name of the table"
        hint="Without one it is called after you."
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
          Set the table
        </Button>
      </Actions>
    </form>
  )
}

function put(games: readonly GameSummary[], game: GameSummary): readonly GameSummary[] {
  if (!games.some(({ roomId }) => roomId === game.roomId)) return [...games, game]
  return games.map((each) => (each.roomId === game.roomId ? game : each))
}
