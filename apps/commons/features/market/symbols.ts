/** What is traded. Invented, so that it is not taken for advice. */
export interface TradedSymbol {
  readonly symbol: string
  readonly name: string
  /** Where its price begins, and what it comes back to in the long run. */
  readonly basePrice: number
  /** Standard deviation of one step, as a part of the price. */
  readonly volatility: number
}

export const SYMBOLS: readonly TradedSymbol[] = [
  { symbol: 'ACRN', name: 'Acorn Foods', basePrice: 48.2, volatility: 0.0012 },
  { symbol: 'BRZE', name: 'Breeze Energy', basePrice: 112.6, volatility: 0.0019 },
  { symbol: 'CMET', name: 'Comet Rail', basePrice: 23.75, volatility: 0.0024 },
  { symbol: 'DUNE', name: 'Dune Glass', basePrice: 301.4, volatility: 0.0009 },
  { symbol: 'ECHO', name: 'Echo Audio', basePrice: 9.84, volatility: 0.0035 },
  { symbol: 'FERN', name: 'Fern Textiles', basePrice: 67.05, volatility: 0.0014 },
]

export const MARKET_ROOM = 'market'
/** Between two prices of a symbol. */
export const PRICE_INTERVAL_MS = 2_000
