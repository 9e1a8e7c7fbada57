/** What the lab hears, by each way alike: one small durable event a second, as long as somebody listens. B12. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

export const labContract = defineContract({
  client: {},
  server: { 'lab:tick': event({ data: z.object({ count: z.number().int() }), durable: true }) },
})
