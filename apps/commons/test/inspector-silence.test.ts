/** What an administrator reads of servers that did not answer. D8, C20. */
import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'
import type { Explanation } from '../features/inspector/contract.ts'
import { Answer } from '../features/inspector/explanation.tsx'
import { silence, silentOf } from '../features/inspector/silent-servers.ts'

function answered(nodes?: { asked: number; answered: number }): string {
  const explanation = {
    answer: { delivered: 'unknown', message: 'Nothing is known.' },
    event: null,
    verdicts: [],
    ...(nodes && { nodes }),
  } as unknown as Explanation
  const question = { namespace: '/public', who: 'ann', roomId: 'lobby', seq: '1' }
  return renderToStaticMarkup(createElement(Answer, { question, explanation, nameOf: String, onOpen: () => undefined }))
}

it('[D8] the answer about an event says how many servers were silent', () => {
  expect(answered({ asked: 3, answered: 2 })).toContain('One server didn’t answer.')
  expect(answered({ asked: 3, answered: 1 })).toContain('2 servers didn’t answer.')
  for (const text of [answered({ asked: 3, answered: 3 }), answered()]) expect(text).not.toContain('answer.')
})

it('[D8] with one server, or where all have answered, there is nothing to say', () => {
  expect([undefined, { asked: 2, answered: 2 }].map((nodes) => silence(silentOf(nodes)))).toEqual(['', ''])
  expect(silence(silentOf({ asked: 2, answered: 1 }))).toBe('One server didn’t answer.')
})
