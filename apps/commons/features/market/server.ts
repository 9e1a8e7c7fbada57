/**
 * Prices that move every two seconds, in the room `market`. They are durable, so a client that reconnects with a
 * cursor, a `Last-Event-ID` or Socket.IO's recovery has no gap. After a restart, or on another node, the walk continues. B11.
 */
import { type Commons, every } from '../../commons.ts'
import { marketContract } from './contract.ts'
import { MARKET_ROOM, PRICE_INTERVAL_MS, SYMBOLS } from './symbols.ts'
import { nextPrice } from './walk.ts'

/** Half an hour of prices: enough for a chart and for any reconnect, and the file stays small. */
const RETENTION = (30 * 60_000 * SYMBOLS.length) / PRICE_INTERVAL_MS
/** The latest of them in memory: two minutes. */
const HISTORY_SIZE = (2 * 60_000 * SYMBOLS.length) / PRICE_INTERVAL_MS

export function addMarket({ server, clock, random }: Commons): void {
  const market = server.get('/').extend(marketContract)
  const never = (): boolean => false
  market.room(MARKET_ROOM, { retention: RETENTION, historySize: HISTORY_SIZE, allow: { publish: never } })

  server.lead('market', async (lead) => {
    const room = lead.fenced(market).to(MARKET_ROOM)
    const prices = new Map(SYMBOLS.map(({ symbol, basePrice }) => [symbol, basePrice]))
    const tick = (): void => {
      for (const traded of SYMBOLS) {
        const price = nextPrice(traded, prices.get(traded.symbol) ?? traded.basePrice, () => random.fraction())
        prices.set(traded.symbol, price)
        room.emit('price:update', { symbol: traded.symbol, price })
      }
    }
    const stop = every(clock, PRICE_INTERVAL_MS, tick)
    lead.lost.addEventListener('abort', stop)
    const { events } = await market.history(MARKET_ROOM, { limit: SYMBOLS.length })
    for (const { symbol, price } of events as { symbol: string; price: number }[]) prices.set(symbol, price)
  })
}
