/** What the market says. Its room takes no words from others. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

export const marketContract = defineContract({
  client: {},
  server: {
    /** One per symbol every 2 s; `ts` comes with the log. B11. */
    'price:update': event({ data: z.object({ symbol: z.string(), price: z.number().positive() }), durable: true }),
  },
})
