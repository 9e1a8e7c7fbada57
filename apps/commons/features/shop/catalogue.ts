/** What the shop begins with. */
import type { Product } from './contract.ts'

export const CATALOGUE: readonly Product[] = [
  {
    productId: 'walnut-tray',
    name: 'Walnut tray',
    description: 'Turned from one piece and oiled by hand. Holds breakfast for two and shrugs off coffee rings.',
    priceCents: 5_900,
    stock: 12,
    hue: 28,
  },
  {
    productId: 'wool-throw',
    name: 'Wool throw',
    description: 'Woven from undyed wool, 130 × 180 cm. Warm in winter, good-looking all year.',
    priceCents: 11_900,
    stock: 6,
    hue: 12,
  },
  {
    productId: 'reading-lamp',
    name: 'Reading lamp',
    description: 'A brass arm that stays where you put it, and a warm light that dims to candlelight.',
    priceCents: 14_500,
    stock: 4,
    hue: 46,
  },
  {
    productId: 'tea-pot',
    name: 'Stoneware teapot',
    description: 'Six cups, a lid that stays on and a spout that never drips. Fired at 1,260 °C.',
    priceCents: 7_200,
    stock: 9,
    hue: 168,
  },
  {
    productId: 'field-notebook',
    name: 'Field notebook',
    description: 'Ninety-six dotted pages, sewn to lie flat, with a cover made for bad weather.',
    priceCents: 1_450,
    stock: 40,
    hue: 205,
  },
  {
    productId: 'last-record',
    name: 'The last record',
    description: 'The last pressing in stock. Two people can click Buy now; only one gets it.',
    priceCents: 3_300,
    stock: 1,
    hue: 285,
  },
]
