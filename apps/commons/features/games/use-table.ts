/** A seat at a table: taken when the page opens, kept through reconnects, given up when the person leaves. */
import { RoomfulError } from '@roomful/client'
import { useClient, useConnection } from '@roomful/react'
import { useEffect, useState } from 'react'
import { toastError } from '../../web/ui/toast.tsx'
import type { GameView, gamesContract } from './contract.ts'

export interface Table {
  readonly game: GameView | undefined
  /** Why there is no seat. */
  readonly error: RoomfulError | undefined
  /** The card that lies face down before this person. */
  readonly card: number | undefined
  readonly play: (card: number) => void
  readonly again: () => void
  readonly fill: () => void
  readonly leave: () => void
}

export function useTable(roomId: string): Table {
  const client = useClient<typeof gamesContract>()
  const state = useConnection()
  const connectionId = state.status === 'open' ? state.connectionId : undefined
  const [game, setGame] = useState<GameView>()
  const [error, setError] = useState<RoomfulError>()
  const [laid, setLaid] = useState<{ round: number; card: number }>()

  // The seat first: the room is for those who have one. Asked again on each new connection, which finds it as it was.
  useEffect(() => {
    if (connectionId === undefined) return
    let isOver = false
    client.request('game:join', { roomId }).then(
      ({ game: now, card }) => {
        if (isOver) return
        setError(undefined)
        setGame(now)
        setLaid(card === undefined ? undefined : { round: now.round, card })
      },
      (refused: unknown) => {
        if (isOver || !(refused instanceof RoomfulError)) return
        if (refused.code !== 'CLOSED' && refused.code !== 'DISCONNECTED') setError(refused)
      },
    )
    return () => {
      isOver = true
    }
  }, [client, connectionId, roomId])

  // Whoever goes to another page is not at the table any more: as when the tab is closed.
  useEffect(
    () => () => {
      client.request('room:leave', { roomId }).catch(() => undefined) // without a connection there is nothing to leave
    },
    [client, roomId],
  )

  useEffect(
    () =>
      client.on('game:state', (now) => {
        if (now.roomId === roomId) setGame(now)
      }),
    [client, roomId],
  )

  const ask = (what: string, asked: Promise<unknown>): void => {
    asked.catch((refused: unknown) => {
      if (!(refused instanceof RoomfulError && refused.code === 'CLOSED')) toastError(what, refused)
    })
  }
  const round = game?.round ?? 0
  return {
    game,
    error,
    card: laid?.round === round && game?.isOpen === false ? laid.card : undefined,
    play(card) {
      const before = laid
      setLaid({ round, card })
      client.request('game:play', { roomId, card }).catch((refused: unknown) => {
        setLaid(before)
        toastError('The card was not laid', refused)
      })
    },
    again: () => ask('You are not ready yet', client.request('game:again', { roomId })),
    fill: () => ask('The house does not play', client.request('game:fill', { roomId })),
    leave: () => ask('You are still at the table', client.request('game:leave', { roomId })),
  }
}
