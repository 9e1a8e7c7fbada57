/** What is said about presentations. Reactions are the vocabulary's own `reaction:send` and `reaction:new`. B22. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

const stageId = z.string().min(1).max(64)
const slide = z.object({
  title: z.string().trim().min(1, 'is empty').max(120),
  /** Lines below the title. */
  lines: z.array(z.string().trim().min(1).max(240)).max(8),
})
export type Slide = z.infer<typeof slide>

const stage = z.object({
  stageId,
  title: z.string(),
  /** Who turns its slides. */
  userId: z.string(),
  name: z.string(),
  slides: z.array(slide),
  /** Which slide is shown, from 0. */
  index: z.number().int(),
})
export type Stage = z.infer<typeof stage>

const summary = stage.omit({ slides: true, index: true }).extend({ count: z.number(), audience: z.number() })
export type StageSummary = z.infer<typeof summary>

const ok = z.object({ status: z.literal('ok') })

export const stageContract = defineContract({
  client: {
    /** Newest first, with how many are watching. */
    'stage:list': event({ ack: z.object({ status: z.literal('ok'), stages: z.array(summary) }) }),
    'stage:create': event({
      data: z.object({ title: z.string().trim().min(1, 'is empty').max(120), slides: z.array(slide).min(1).max(50) }),
      ack: z.object({ status: z.literal('ok'), stageId }),
    }),
    'stage:get': event({ data: z.object({ stageId }), ack: z.object({ status: z.literal('ok'), stage }) }),
    /** The presenter turns to another slide. */
    'stage:show': event({ data: z.object({ stageId, index: z.number().int().min(0) }), ack: ok }),
    'stage:delete': event({ data: z.object({ stageId }), ack: ok }),
  },
  server: {
    /** Which slide is shown from now on; to the room `stage:<stageId>`. */
    'stage:slide': event({ data: z.object({ index: z.number().int() }), durable: true }),
    /** A presentation came, went, or has another audience; to everyone. */
    'stage:changed': event({ data: summary, volatile: { latestBy: 'stageId' } }),
    'stage:deleted': event({ data: z.object({ stageId }) }),
  },
})
