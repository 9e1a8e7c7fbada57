/** What is said about tasks. B18. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

const taskId = z.string().min(1).max(64)

const task = z.object({
  taskId,
  title: z.string(),
  description: z.string(),
  isDone: z.boolean(),
  userId: z.string(),
  name: z.string(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  changedAt: z.number(),
})
export type Task = z.infer<typeof task>

const ok = z.object({ status: z.literal('ok') })

export const tasksContract = defineContract({
  client: {
    /** With a `taskId` it changes the task that is there. */
    'save-task': event({
      data: z.object({
        title: z.string().trim().min(1, 'is empty').max(200, 'is longer than 200 characters'),
        description: z.string().trim().max(2_000, 'is longer than 2,000 characters').default(''),
        taskId: taskId.optional(),
      }),
      ack: z.object({ status: z.literal('ok'), taskId }),
    }),
    /** Newest first. */
    'task:list': event({ ack: z.object({ status: z.literal('ok'), tasks: z.array(task) }) }),
    'task:done': event({ data: z.object({ taskId, isDone: z.boolean().default(true) }), ack: ok }),
    'task:delete': event({ data: z.object({ taskId }), ack: ok }),
  },
  server: {
    /** A task is new or has changed; to everyone but the connection that did it. */
    'task:saved': event({ data: task }),
    'task:deleted': event({ data: z.object({ taskId }) }),
  },
})
