/** A random walk that looks like a price: steps in proportion to it, and a slow pull back to where it began. */
import type { TradedSymbol } from './symbols.ts'

/** The part of the distance to the base price that one step gives back. */
const PULL = 0.002
const LOWEST_PRICE = 0.01

/** @returns the next price, in cents */
export function nextPrice({ basePrice, volatility }: TradedSymbol, price: number, random: () => number): number {
  const drift = PULL * Math.log(basePrice / price)
  const step = price * Math.exp(drift + volatility * gaussian(random))
  return Math.max(LOWEST_PRICE, Math.round(step * 100) / 100)
}

/** Box and Muller, 1958. */
function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
