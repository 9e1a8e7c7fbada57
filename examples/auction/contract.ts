import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

export const contract = defineContract({
  client: {
    'bid:place': event({
      data: z.object({ lot: z.string(), amount: z.number().int().positive() }),
      ack: z.object({ status: z.literal('ok'), number: z.number() }),
    }),
  },
  server: {
    'bid:placed': event({ data: z.object({ amount: z.number(), by: z.string() }), durable: true }),
  },
})
