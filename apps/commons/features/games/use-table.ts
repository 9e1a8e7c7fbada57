/** A table: seen when the page opens, kept through reconnects. A seat is taken when the person asks, and given up when they leave. */
import { RoomfulError } from '@roomful/client'
import { useClient, useConnection } from '@roomful/react'
import { useEffect, useRef, useState } from 'react'
import { useMe } from '../../web/session/use-me.ts'
import { toastError } from '../../web/ui/toast.tsx'
import type { GameView, gamesContract } from './contract.ts'

export interface Table {
  readonly game: GameView | undefined
  /** Why there is no table. */
  readonly error: RoomfulError | undefined
  /** The card that lies face down before this person. */
  readonly card: number | undefined
  readonly isJoining: boolean
  readonly join: () => void
  readonly play: (card: number) => void
  readonly again: () => void
  readonly fill: () => void
  readonly leave: () => void
}

/** The room of those who look on. */
const watchRoom = (roomId: string): string => `watch:${roomId}`

export function useTable(roomId: string): Table {
  const client = useClient<typeof gamesContract>()
  const state = useConnection()
  const me = useMe()?.sub
  const connectionId = state.status === 'open' ? state.connectionId : undefined
  const [game, setGame] = useState<GameView>()
  const [error, setError] = useState<RoomfulError>()
  const [laid, setLaid] = useState<{ round: number; card: number }>()
  const [isJoining, setJoining] = useState(false)

  const see = ({ game: now, card }: { game: GameView; card?: number | undefined }): void => {
    setError(undefined)
    setGame(now)
    setLaid(card === undefined ? undefined : { round: now.round, card })
  }
  const seen = useRef(see)
  seen.current = see

  // Asked again on each new connection, which finds a seat as it was.
  useEffect(() => {
    if (connectionId === undefined) return
    let isOver = false
    client.request('game:watch', { roomId }).then(
      (answer) => {
        if (!isOver) seen.current(answer)
      },
      (refused: unknown) => {
        if (!isOver && refused instanceof RoomfulError && !isOfTheConnection(refused)) setError(refused)
      },
    )
    return () => {
      isOver = true
    }
  }, [client, connectionId, roomId])

  // A user who opens another page leaves the table, as when the tab is closed.
  const room = useRef<string>(undefined)
  room.current = game && (game.players.some(({ userId }) => userId === me) ? roomId : watchRoom(roomId))
  useEffect(
    () => () => {
      if (room.current === undefined) return
      client.request('room:leave', { roomId: room.current }).catch(() => undefined) // without a connection there is nothing to leave
    },
    [client],
  )

  useEffect(
    () =>
      client.on('game:state', (now) => {
        if (now.roomId === roomId) setGame(now)
      }),
    [client, roomId],
  )
  useEffect(
    () =>
      client.on('game:removed', (removed) => {
        if (removed.roomId === roomId) setError(new RoomfulError('NOT_FOUND', 'This table has closed'))
      }),
    [client, roomId],
  )

  const ask = (failed: string, asked: Promise<unknown>): void => {
    asked.catch((refused: unknown) => {
      if (!(refused instanceof RoomfulError && refused.code === 'CLOSED')) toastError(failed, refused)
    })
  }
  /** Sent again after a cut, and done once. */
  const once = (): { key: string } => ({ key: client.createKey() })
  const round = game?.round ?? 0
  return {
    game,
    error,
    card: laid?.round === round && game?.isOpen === false ? laid.card : undefined,
    isJoining,
    join() {
      setJoining(true)
      const asked = client.request('game:join', { roomId }, once()).then((answer) => seen.current(answer))
      ask(
        'Couldn’t join',
        asked.finally(() => setJoining(false)),
      )
    },
    play(card) {
      const before = laid
      setLaid({ round, card })
      client.request('game:play', { roomId, card }, once()).catch((refused: unknown) => {
        setLaid(before)
        toastError('Couldn’t play the card', refused)
      })
    },
    again: () => ask('Couldn’t start another game', client.request('game:again', { roomId }, once())),
    fill: () => ask('Couldn’t add bots', client.request('game:fill', { roomId }, once())),
    leave: () => ask('Couldn’t leave the table', client.request('game:leave', { roomId }, once())),
  }
}

function isOfTheConnection({ code }: RoomfulError): boolean {
  return code === 'CLOSED' || code === 'DISCONNECTED' || code === 'NOT_CONNECTED'
}
