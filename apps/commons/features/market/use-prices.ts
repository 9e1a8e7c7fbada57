/** The market room: what it said lately, and what it says now, without a price between them missing. B11. */
import { useRoom } from '@roomful/react'
import { useEffect, useRef, useState } from 'react'
import type { marketContract } from './contract.ts'
import { type Board, type Price, withPrices } from './prices.ts'
import { MARKET_ROOM } from './symbols.ts'

/** A page of the log is 100 events; this many show about three minutes. */
const PAGES = 6

export interface Prices {
  readonly board: Board
  /** What came since it was paused. */
  readonly waiting: number
  readonly isJoined: boolean
}

export function usePrices(isPaused: boolean): Prices {
  const { room, status } = useRoom<typeof marketContract>(MARKET_ROOM)
  const [board, setBoard] = useState<Board>(new Map())
  const [waiting, setWaiting] = useState<readonly Price[]>([])
  const paused = useRef(isPaused)
  paused.current = isPaused

  useEffect(() => {
    if (!room) return
    let isOver = false
    /** Live prices that came before the past was there; `undefined` once it is. */
    let early: Price[] | undefined = []
    const load = async (): Promise<void> => {
      early = []
      await room.ready
      const past: Price[] = []
      for (let page = 0, before: number | undefined; page < PAGES; page++) {
        const { events, more } = await room.history({ limit: 100, ...(before === undefined ? {} : { before }) })
        const prices = events.flatMap(({ event, args, meta }) =>
          event === 'price:update' ? [{ ...(args[0] as Price), seq: meta.seq ?? 0, ts: meta.ts ?? 0 }] : [],
        )
        past.unshift(...prices)
        before = prices[0]?.seq
        if (!more || before === undefined) break
      }
      if (isOver) return
      const last = past.at(-1)?.seq ?? 0
      setBoard(withPrices(new Map(), [...past, ...(early ?? []).filter(({ seq }) => seq > last)]))
      early = undefined
    }
    const reload = (): void => void load().catch(() => undefined) // the room's own status says that it cannot be
    room.on('price:update', (price) => {
      if (early) early.push(price)
      else if (paused.current) setWaiting((before) => [...before, price])
      else setBoard((before) => withPrices(before, [price]))
    })
    room.onReset(reload)
    reload()
    return () => {
      isOver = true
    }
  }, [room])

  useEffect(() => {
    if (isPaused || waiting.length === 0) return
    setBoard((before) => withPrices(before, waiting))
    setWaiting([])
  }, [isPaused, waiting])

  return { board, waiting: waiting.length, isJoined: status === 'joined' }
}
