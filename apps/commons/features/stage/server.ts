/**
 * Presentations: one person turns the slides, everyone in the room sees them turn. Reactions are volatile events of the
 * room vocabulary, so a hundred a second cost a slow screen nothing. B22.
 */
import { RoomfulError, type User } from '@roomful/server'
import { Coalesce } from '../../coalesce.ts'
import type { Commons } from '../../commons.ts'
import { type Stage, type StageSummary, stageContract } from './contract.ts'
import { StageStore } from './store.ts'
import { NO_OWNER } from './welcome.ts'

const PREFIX = 'stage:'
/** Presentations of one user; they are small, but the list is for people. */
const STAGES_PER_USER = 20
const AUDIENCE_INTERVAL_MS = 500

export function addStage({ server, database, clock, random }: Commons): void {
  const stages = server.get('/').extend(stageContract)
  const store = new StageStore(database)
  const idOf = (roomId: string): string => roomId.slice(PREFIX.length)
  const exists = (_user: User, roomId: string): boolean => store.find(idOf(roomId)) !== undefined
  // Which slide is shown is all that the log is for, so it need not be long.
  stages.room(`${PREFIX}*`, { retention: 100, allow: { join: exists, publish: exists } })

  const find = (stageId: string): Stage => {
    const stage = store.find(stageId)
    if (!stage) throw new RoomfulError('NOT_FOUND', 'This presentation was deleted', { field: 'stageId' })
    return stage
  }
  const findOwn = (stageId: string, user: User): Stage => {
    const stage = find(stageId)
    if (stage.userId === user.sub || user.role === 'admin') return stage
    throw new RoomfulError('FORBIDDEN', `Only ${stage.name} can do that`)
  }
  const summaryOf = async ({ slides, index: _index, ...stage }: Stage): Promise<StageSummary> => ({
    ...stage,
    count: slides.length,
    audience: (await stages.roomUsers(PREFIX + stage.stageId)).length,
  })
  const audiences = new Coalesce(clock, AUDIENCE_INTERVAL_MS, async (stageId) => {
    const stage = store.find(stageId)
    if (stage) stages.emit('stage:changed', await summaryOf(stage))
  })

  stages.hook('enter', (_user, roomId) => {
    if (roomId.startsWith(PREFIX)) audiences.changed(idOf(roomId))
  })
  stages.hook('exit', (_user, roomId) => {
    if (roomId.startsWith(PREFIX)) audiences.changed(idOf(roomId))
  })

  stages.on('stage:list', async () => ({ status: 'ok', stages: await Promise.all(store.list().map(summaryOf)) }))

  stages.on('stage:get', (_context, { stageId }) => ({ status: 'ok', stage: find(stageId) }))

  stages.on('stage:create', ({ user, key }, { title, slides }) => {
    const repeated = key === undefined ? undefined : store.findKey(user.sub, key)
    if (repeated) return { status: 'ok', stageId: repeated.stageId }
    if (store.count(user.sub) >= STAGES_PER_USER) {
      throw new RoomfulError(
        'TOO_MANY_STAGES',
        `You’ve reached the limit of ${STAGES_PER_USER} presentations. Delete one to make room.`,
      )
    }
    const stageId = random.id(12)
    store.add({ stageId, title, userId: user.sub, name: user.name, slides }, clock.now(), key)
    audiences.changed(stageId)
    return { status: 'ok', stageId }
  })

  stages.on('stage:show', (context, { stageId, index }) => {
    const stage = find(stageId).userId === NO_OWNER ? find(stageId) : findOwn(stageId, context.user)
    if (index >= stage.slides.length) {
      throw new RoomfulError(
        'INVALID_MESSAGE',
        `There ${stage.slides.length === 1 ? 'is only 1 slide' : `are only ${stage.slides.length} slides`}`,
        { field: 'index' },
      )
    }
    store.show(stageId, index)
    // Sent by the server: turning slides quickly must not use up the presenter's message rate.
    stages.to(PREFIX + stageId).emit('stage:slide', { index })
    return { status: 'ok' }
  })

  stages.on('stage:delete', (context, { stageId }) => {
    if (!store.find(stageId)) return { status: 'ok' } // another user was faster
    findOwn(stageId, context.user)
    store.delete(stageId)
    context.broadcast.emit('stage:deleted', { stageId })
    return { status: 'ok' }
  })
}
