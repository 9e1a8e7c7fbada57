/** Stories cost a bounded memory, whatever connections do. D8. */
import { expect, it } from 'vitest'
import { Stories } from '../../src/adapters/observe/stories.ts'

const connection = (id: string) => ({
  id,
  ip: '192.0.2.1',
  userAgent: 'test',
  auth: 'authenticated' as const,
  user: { sub: 'ann', name: 'Ann', role: 'user' },
  namespace: { name: '/' },
})

it('[D8] keeps the latest 64 entries of a connection, and says how many went', () => {
  let now = 0
  const stories = new Stories(() => ++now)
  stories.observe({ type: 'connection:opened', connection: connection('c_1') })
  for (let i = 0; i < 100; i++) stories.observe({ type: 'behind', connectionId: 'c_1' })
  const story = stories.find('c_1')
  expect([story?.chapters.length, story?.forgotten, story?.chapters.at(-1)?.at]).toEqual([64, 36, 101])
})

it('[D8] forgets who is gone longest, above 2,000, and writes down no more than 20,000 at once', () => {
  const stories = new Stories(() => 0)
  for (let i = 0; i < 20_001; i++) stories.observe({ type: 'connection:opened', connection: connection(`c_${i}`) })
  expect(stories.find('c_19999')).toBeDefined()
  expect(stories.find('c_20000')).toBeUndefined()
  for (let i = 0; i < 2_001; i++) {
    stories.observe({ type: 'connection:closed', connection: connection(`c_${i}`), reason: '1000', durationMs: 1 })
  }
  expect(stories.find('c_0')).toBeUndefined()
  expect(stories.find('c_1')?.ending).toEqual({ at: 0, reason: '1000' })
  expect(stories.ofUser('/', 'ann')).toHaveLength(20_000 - 1)
})
