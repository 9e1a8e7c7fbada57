/** What is said about documents; what they hold goes over `/yjs/<document>`. B36. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

const documentId = z.string().min(1).max(128)
const title = z.string().trim().min(1, 'is empty').max(200, 'is longer than 200 characters')

const document = z.object({
  documentId,
  title: z.string(),
  /** Of the user who made it; only they and administrators lock and delete it. */
  ownerId: z.string(),
  /** Only its owner and administrators write to it. */
  isLocked: z.boolean(),
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  changedAt: z.number(),
  /** Who has it open, of very many the first ones. */
  people: z.array(z.object({ userId: z.string(), name: z.string() })),
})
export type Document = z.infer<typeof document>

const ok = z.object({ status: z.literal('ok') })

export const documentsContract = defineContract({
  client: {
    /** The latest change first; `before` is the last one that is known. */
    'document:list': event({
      data: z.object({ before: z.object({ documentId, changedAt: z.number() }).optional() }),
      ack: z.object({ status: z.literal('ok'), documents: z.array(document), more: z.boolean() }),
    }),
    'document:get': event({
      data: z.object({ documentId }),
      ack: z.object({ status: z.literal('ok'), document }),
    }),
    'document:create': event({
      data: z.object({ title }),
      ack: z.object({ status: z.literal('ok'), documentId }),
    }),
    'document:rename': event({ data: z.object({ documentId, title }), ack: ok }),
    'document:lock': event({ data: z.object({ documentId, isLocked: z.boolean() }), ack: ok }),
    'document:delete': event({ data: z.object({ documentId }), ack: ok }),
  },
  server: {
    /** A document is new, has another title or lock, or a person came or left. */
    'document:changed': event({ data: document }),
    'document:deleted': event({ data: z.object({ documentId }) }),
  },
})
