/** Rooms with members, and the log of one room. */
import { useClient } from '@roomful/react'
import { DoorClosed, RefreshCw } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import type { inspectorContract, RoomInfo } from './contract.ts'
import { exactTime } from './exact-time.ts'

export function RoomsView(): ReactElement {
  const client = useClient<typeof inspectorContract>()
  const {
    data: rooms,
    error,
    reload,
  } = useLoaded<readonly RoomInfo[]>(async () => (await client.request('room:all')).rooms)
  const [chosen, setChosen] = useState<RoomInfo>()
  if (!rooms) return <NotLoaded what="rooms" error={error} onRetry={reload} />
  return (
    <>
      <Button icon={RefreshCw} onClick={reload} className="mb-3">
        Refresh
      </Button>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[22rem_minmax(0,1fr)]">
        <Card className="self-start overflow-hidden">
          {rooms.length === 0 ? (
            <EmptyState icon={DoorClosed} title="No active rooms" />
          ) : (
            <ul aria-label="Rooms">
              {rooms.map((room) => (
                <li key={`${room.namespace} ${room.roomId}`} className="border-line border-b last:border-b-0">
                  <button
                    type="button"
                    aria-pressed={isSame(room, chosen)}
                    onClick={() => setChosen(room)}
                    className="flex w-full items-center gap-3 px-4 py-2.5 text-left text-sm hover:bg-ink/6 aria-pressed:bg-accent-soft"
                  >
                    <bdi className="min-w-0 grow truncate font-medium">{room.roomId}</bdi>
                    <Badge>{room.namespace}</Badge>
                    <span className="shrink-0 text-right text-muted tabular-nums">
                      {room.count === 1 ? '1 person' : `${room.count} people`}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </Card>
        <Card className="min-w-0">
          {chosen ? (
            <Log key={`${chosen.namespace} ${chosen.roomId}`} room={chosen} />
          ) : (
            <EmptyState icon={DoorClosed} title="Select a room to view its log" />
          )}
        </Card>
      </div>
    </>
  )
}

function isSame(room: RoomInfo, other: RoomInfo | undefined): boolean {
  return room.roomId === other?.roomId && room.namespace === other.namespace
}

interface LoggedEvent {
  readonly type: string
  readonly seq: number
  readonly ts: number
  readonly [field: string]: unknown
}

function Log({ room: { namespace, roomId } }: { room: RoomInfo }): ReactElement {
  const client = useClient<typeof inspectorContract>()
  const [before, setBefore] = useState<number>()
  const { data, error, reload } = useLoaded(
    () => client.request('room:log', { namespace, roomId, ...(before === undefined ? {} : { before }) }),
    String(before),
  )
  if (!data) return <NotLoaded what="log" error={error} onRetry={reload} />
  const events = (data.events as LoggedEvent[]).toReversed()
  if (events.length === 0) {
    return (
      <EmptyState icon={DoorClosed} title="No events yet">
        Volatile and transient events aren’t logged.
      </EmptyState>
    )
  }
  const oldest = events.at(-1)?.seq
  return (
    <>
      {/* What is wide is scrolled here, not with the page; by keyboard too. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section aria-label={`Log of ${roomId}`} tabIndex={0} className="overflow-x-auto">
        <table className="w-full text-left text-sm">
          <caption className="sr-only">Events in {roomId}, newest first</caption>
          <thead className="text-muted">
            <tr className="border-line border-b">
              <th className="px-4 py-2 font-medium">Number</th>
              <th className="px-4 py-2 font-medium">Event</th>
              <th className="px-4 py-2 font-medium">Data</th>
            </tr>
          </thead>
          <tbody>
            {events.map(({ type, seq, ts, roomId: _room, id: _id, ...data }) => (
              <tr key={seq} className="border-line border-b align-top last:border-b-0">
                <td className="px-4 py-2 tabular-nums">{seq}</td>
                <td className="whitespace-nowrap px-4 py-2">
                  <span className="block font-medium">{type}</span>
                  <span className="block text-muted text-xs tabular-nums">{exactTime.format(ts)}</span>
                </td>
                <td className="w-full min-w-48 px-4 py-2 font-mono text-xs [overflow-wrap:anywhere]">
                  {JSON.stringify(data)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div className="flex justify-between gap-2 border-line border-t p-3">
        <Button size="small" disabled={before === undefined} onClick={() => setBefore(undefined)}>
          Newest
        </Button>
        <Button size="small" disabled={!data.more} onClick={() => setBefore(oldest)}>
          Older
        </Button>
      </div>
    </>
  )
}
