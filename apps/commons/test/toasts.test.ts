/** Toasts as they are chosen, without a browser, and what is said of an error. */
import { RoomfulError } from '@roomful/client'
import { describe, expect, it } from 'vitest'
import { sentenceOf } from '../web/ui/error-sentence.ts'
import { type News, QUIET_MS, STAYS_MAX_MS, Toasts } from '../web/ui/toasts.ts'

const saved: News = { title: 'Saved', description: undefined, kind: 'good' }
const lost: News = { title: 'Couldn’t save', description: 'You’re offline.', kind: 'bad' }

function open(limit = 3) {
  let at = 0
  const done: string[] = []
  const toasts = new Toasts({
    limit,
    now: () => at,
    show: ({ id, title }) => done.push(`show ${id} ${title}`),
    count: (id, count) => done.push(`count ${id} ${count}`),
    close: (id) => done.push(`close ${id}`),
  })
  const pass = (ms: number): void => {
    at += ms
  }
  return { toasts, pass, take: () => done.splice(0) }
}

describe('toasts', () => {
  it('are one with a count when they say the same', () => {
    const { toasts, take } = open()
    for (const news of [saved, lost, saved, saved]) toasts.add(news)
    expect(take()).toEqual(['show toast-1 Saved', 'show toast-2 Couldn’t save', 'count toast-1 2', 'count toast-1 3'])
  })

  it('are one when they are about one thing, which shows the latest words', () => {
    const words: (string | undefined)[] = []
    const toasts = new Toasts({
      ...{ limit: 3, now: () => 0, close: () => undefined },
      show: ({ description }) => words.push(description),
      count: (id, count, { description }) => words.push(`${id} ${count} ${description}`),
    })
    for (const description of ['lunch?', 'or dinner?']) toasts.add({ ...saved, description, about: 'direct:ben' })
    toasts.add({ ...saved, description: 'elsewhere', about: 'direct:cy' })
    expect(words).toEqual(['lunch?', 'toast-1 2 or dinner?', 'elsewhere'])
  })

  it('go when what they are about was seen elsewhere', () => {
    const { toasts, take } = open()
    toasts.add({ ...saved, about: 'direct:ben' })
    toasts.seen('direct:ben')
    toasts.seen('direct:cy')
    expect(take()).toEqual(['show toast-1 Saved', 'close toast-1'])
  })

  it('are no more than a few: the oldest makes room', () => {
    const { toasts, take } = open(2)
    for (const title of ['a', 'b', 'c']) toasts.add({ ...saved, title })
    expect(take()).toEqual(['show toast-1 a', 'show toast-2 b', 'close toast-1', 'show toast-3 c'])
  })

  it('go although they are said again and again', () => {
    const { toasts, pass, take } = open()
    for (let said = 0; said <= STAYS_MAX_MS; said += 1_000) {
      toasts.add(lost)
      pass(1_000)
    }
    expect(take().at(-1)).toBe(`count toast-1 ${STAYS_MAX_MS / 1_000}`) // and not once more
    toasts.removed('toast-1')
    toasts.add(lost)
    expect(take()).toEqual(['show toast-2 Couldn’t save'])
  })

  it('are quiet for a while once they were closed by hand', () => {
    const { toasts, pass, take } = open()
    toasts.add(lost)
    toasts.dismissed('toast-1')
    take()
    pass(QUIET_MS - 1)
    toasts.add(lost)
    toasts.add(saved)
    expect(take()).toEqual(['show toast-2 Saved'])
    pass(1)
    toasts.add(lost)
    expect(take()).toEqual(['show toast-3 Couldn’t save'])
  })
})

describe('what is said of an error', () => {
  it.each([
    ['RATE_LIMITED', 'Rate limit exceeded', 3_000, 'You’re sending messages too fast. Try again in 3 seconds.'],
    ['RATE_LIMITED', 'Rate limit exceeded', undefined, 'You’re sending messages too fast. Try again in a moment.'],
    ['FORBIDDEN', 'You are not allowed to publish "market"', undefined, 'You can’t post in #market.'],
    ['FORBIDDEN', 'You are not allowed to join "cellar"', undefined, 'You don’t have access to #cellar.'],
    ['FORBIDDEN', 'Only Ann can delete this task', undefined, 'Only Ann can delete this task'],
    ['BANNED', 'You are banned', undefined, 'Your account has been suspended.'],
    ['BANNED', 'You are banned: Repeated spam', undefined, 'Your account has been suspended. Reason: Repeated spam'],
    ['FORBIDDEN', 'The document is full', undefined, 'This document has reached its size limit.'],
    ['OUT_OF_STOCK', 'Wool throw is sold out', undefined, 'Wool throw is sold out'],
  ])('%s: %s', (code, message, retryAfterMs, sentence) => {
    expect(sentenceOf(new RoomfulError(code, message, { retryAfterMs }))).toBe(sentence)
  })
})
