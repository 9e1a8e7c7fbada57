/** The lab's event, the same over each transport: one small durable event a second while the room has members. B12. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

export const labContract = defineContract({
  client: {},
  server: { 'lab:tick': event({ data: z.object({ count: z.number().int() }), durable: true }) },
})
