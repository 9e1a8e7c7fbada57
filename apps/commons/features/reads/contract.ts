/** A user's read positions in rooms, conversations and notifications, the same on all devices. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

/** `room:<room of /public>`, `direct:<user id>` or `notifications`. */
const about = z
  .string()
  .regex(/^(room:.+|direct:.+|notifications)$/su, 'names no place that can be read')
  .max(300)

export const mark = z.object({
  about,
  /** Number of the last event that was read, in the log that it is of; 0: nothing was read yet. */
  until: z.int().min(0),
  /** When that event happened, by the server's clock. */
  at: z.number().min(0),
})

export type Mark = z.infer<typeof mark>

/** The time up to which the other user has read one's messages. */
const receipt = z.object({ userId: z.string(), at: z.number() })

export type Receipt = z.infer<typeof receipt>

export const readsContract = defineContract({
  client: {
    'reads:list': event({
      ack: z.object({ status: z.literal('ok'), marks: z.array(mark), receipts: z.array(receipt) }),
    }),
    /** A mark only moves forward. */
    'reads:mark': event({ data: mark, ack: z.object({ status: z.literal('ok') }) }),
    /** A room was left: it is on the list of rooms no more. */
    'reads:forget': event({ data: z.object({ about }), ack: z.object({ status: z.literal('ok') }) }),
  },
  server: {
    /** To the other connections of the same person. */
    'reads:marked': event({ data: mark }),
    'reads:forgotten': event({ data: z.object({ about }) }),
    /** To whom something was written: it was read until then. */
    'direct:read': event({ data: receipt }),
  },
})
