/** Whom one can write to. What is written is the vocabulary's own `message:private`. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

const Person = z.object({
  userId: z.string(),
  name: z.string(),
  isOnline: z.boolean(),
  /** When they were last connected, by the server's clock: what was written before that has reached them. */
  seenAt: z.number(),
})

export type Person = z.infer<typeof Person>

export const directContract = defineContract({
  client: {
    'people:list': event({ ack: z.object({ status: z.literal('ok'), people: z.array(Person) }) }),
  },
  server: {},
})
