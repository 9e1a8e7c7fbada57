/** A failure as a person wants to read it: what was wrong, how to have it again, what had to be done for it, what happened. */
import type { Plan, Step } from './plan.ts'
import type { Run } from './simulate.ts'

/** Lines of the story that are shown: the end of it. */
const STORY_LINES = 120

/** @param run of the plan as it was cut down */
export function describeFailure({ plan, violations, story }: Run): string {
  const { seed, settings, retention, networkMs, diskMs, tokenMs, clients } = plan
  return [
    `seed ${seed}: ${violations.join('\n  ')}`,
    `clients: ${clients.map(({ name, user, kind }) => `${name} (${kind}, user ${user})`).join(', ')}`,
    `settings: ${JSON.stringify({ ...settings, retention, networkMs, diskMs, tokenMs })}`,
    `steps:\n${plan.steps.map((step) => `  ${describeStep(plan, step)}`).join('\n')}`,
    `what happened:\n${story(STORY_LINES)}`,
  ].join('\n')
}

/** One step in words. */
export function describeStep({ clients, rooms }: Plan, { do: name, thenMs, ...step }: Step): string {
  const who = 'who' in step ? clients[step.who]?.name : 'server'
  const room = 'room' in step ? ` ${rooms[step.room]}` : ''
  const more = Object.entries(step).filter(([field]) => field !== 'who' && field !== 'room')
  return `${who}: ${name}${room}${more.map(([field, value]) => `, ${field} ${value}`).join('')}; then ${thenMs} ms`
}
