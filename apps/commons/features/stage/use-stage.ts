/** One presentation as everyone sees it: which slide is shown, who watches, and what floats over it. */
import type { Room, WithChat } from '@roomful/client'
import { createHooks } from '@roomful/react'
import { type Loaded, useLoaded } from '../../web/live/use-loaded.ts'
import { useMe } from '../../web/session/use-me.ts'
import { toastError } from '../../web/ui/toast.tsx'
import type { Stage, stageContract } from './contract.ts'
import { NO_OWNER } from './welcome.ts'

const { useClient, useEvent, useRoom } = createHooks<WithChat<typeof stageContract>>()

export interface WatchedStage extends Pick<Loaded<Stage>, 'error' | 'reload'> {
  readonly stage: Stage | undefined
  readonly audience: number
  readonly mayTurn: boolean
  readonly show: (index: number) => void
  readonly room: Room<WithChat<typeof stageContract>> | undefined
}

/** @param onDeleted its author took it away */
export function useStage(stageId: string, onDeleted: () => void): WatchedStage {
  const client = useClient()
  const me = useMe()
  const { room, count } = useRoom(`stage:${stageId}`)
  const loaded = useLoaded<Stage>(async () => (await client.request('stage:get', { stageId })).stage, stageId)
  const { data: stage, change, error, reload } = loaded

  useEvent('stage:slide', ({ index }) => change((now) => ({ ...now, index })), { roomId: `stage:${stageId}` })
  useEvent('stage:deleted', (deleted) => {
    if (deleted.stageId === stageId) onDeleted()
  })

  const show = (index: number): void => {
    if (!stage || index < 0 || index >= stage.slides.length) return
    const before = stage.index
    change((now) => ({ ...now, index }))
    client.request('stage:show', { stageId, index }).catch((refused: unknown) => {
      change((now) => ({ ...now, index: before }))
      toastError('Couldn’t change the slide', refused)
    })
  }
  const mayTurn = stage !== undefined && (stage.userId === NO_OWNER || stage.userId === me?.sub || me?.role === 'admin')
  return { stage, error, reload, audience: count, mayTurn, show, room }
}
