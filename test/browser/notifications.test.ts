/** What somebody is told while they are elsewhere: the bell, the page behind it, and what came while they were away. B9. */
import { type Client, connect } from '@roomful/client'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { token } from '../outside/lib/token.ts'
import { accessibilityProblems } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { Commons, OPENING_MS } from './lib/commons.ts'

describe.runIf(hasChromium)('notifications in Chromium', () => {
  let commons: Commons

  beforeAll(async () => {
    commons = await Commons.open()
  }, OPENING_MS)
  afterAll(() => commons?.[Symbol.asyncDispose]())
  afterEach(() => commons.everyoneLeaves())

  /** Somebody without a browser. */
  const program = (sub: string): Client => connect(commons.server.http, { token: token({ sub, name: sub }) })

  it('[B9] [X13] come to every page at once, wait for who is away, and are read once per browser', async () => {
    const [desk, phone] = await Promise.all([
      commons.person('Ann Told'),
      commons.person('Ann Told', { path: '/market', phone: true, dark: true }),
    ])
    const { user } = (await commons.session('Ann Told')) as { user: { sub: string } }
    const [author, helper] = [program(user.sub), program('helper')]
    const finish = async (title: string): Promise<void> => {
      const { taskId } = (await author.request('save-task', { title, description: '' })) as { taskId: string }
      await helper.request('task:done', { taskId, isDone: true })
    }
    const bell = ({ page }: typeof desk, name: string) => page.locator(`button[aria-label="${name}"]:visible`)
    for (const person of [desk, phone]) await bell(person, 'Notifications').waitFor()

    await finish('Feed the cat')
    for (const person of [desk, phone]) {
      await person.page.getByRole('dialog').filter({ hasText: 'helper did “Feed the cat”' }).waitFor()
      await bell(person, 'Notifications, 1 new').waitFor()
    }
    await desk.tabTo(bell(desk, 'Notifications, 1 new'))
    await desk.page.keyboard.press('Enter')
    await desk.page.getByRole('listitem').filter({ hasText: 'New: Your task is done' }).waitFor()
    expect(await accessibilityProblems(desk.page)).toEqual([])
    await desk.page.keyboard.press('Escape')
    await bell(desk, 'Notifications').waitFor()

    await phone.goOffline()
    await finish('Water the ferns')
    await phone.comeBack()
    await bell(phone, 'Notifications, 2 new').click()
    await phone.page.getByRole('link', { name: 'All notifications' }).click()
    await phone.page.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor()
    await bell(phone, 'Notifications').waitFor()
    expect(await accessibilityProblems(phone.page)).toEqual([])
    await phone.page.getByRole('link', { name: /Water the ferns/ }).click()
    await phone.page.getByRole('heading', { name: 'Tasks', level: 1 }).waitFor()
    for (const client of [author, helper]) client.close()
    for (const person of [desk, phone]) person.hasNoTroubles()
  })
})
