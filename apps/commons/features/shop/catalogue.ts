/** What the shop begins with. */
import type { Product } from './contract.ts'

export const CATALOGUE: readonly Product[] = [
  {
    productId: 'walnut-tray',
    name: 'Walnut tray',
    description: 'Turned from one piece, oiled by hand. Holds a breakfast for two and does not mind a coffee ring.',
    priceCents: 5_900,
    stock: 12,
    hue: 28,
  },
  {
    productId: 'wool-throw',
    name: 'Wool throw',
    description: 'Woven from undyed wool, 130 by 180 centimetres. Warm in winter, and on the wall in summer.',
    priceCents: 11_900,
    stock: 6,
    hue: 12,
  },
  {
    productId: 'reading-lamp',
    name: 'Reading lamp',
    description: 'A brass arm that stays where you put it, and a warm light that dims down to a candle.',
    priceCents: 14_500,
    stock: 4,
    hue: 46,
  },
  {
    productId: 'tea-pot',
    name: 'Stoneware tea pot',
    description: 'Six cups, a lid that does not fall off, and a spout that does not drip. Fired at 1,260 °C.',
    priceCents: 7_200,
    stock: 9,
    hue: 168,
  },
  {
    productId: 'field-notebook',
    name: 'Field notebook',
    description: 'Ninety-six dotted pages, sewn so that it lies flat, with a cover that has seen rain before.',
    priceCents: 1_450,
    stock: 40,
    hue: 205,
  },
  {
    productId: 'last-record',
    name: 'The last record',
    description: 'The only pressing that is left. Two people can put it in the basket; one of them gets it.',
    priceCents: 3_300,
    stock: 1,
    hue: 285,
  },
]
