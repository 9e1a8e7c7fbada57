/** What the tasks namespace speaks, said once: the server's handlers are typed from it and every message is checked. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

export const Task = z.object({ title: z.string(), description: z.string(), by: z.string() })

export const contract = defineContract({
  client: {
    'save-task': event({
      data: z.object({ board: z.string(), title: z.string().min(1), description: z.string() }),
      ack: z.object({ status: z.literal('ok'), taskId: z.string() }),
    }),
    'point-at': event({ data: z.object({ board: z.string(), x: z.number(), y: z.number() }) }),
  },
  server: {
    'task:saved': event({ data: Task, durable: true }),
    cursor: event({
      data: z.object({ userId: z.string(), x: z.number(), y: z.number() }),
      volatile: { latestBy: 'userId' },
    }),
  },
})
