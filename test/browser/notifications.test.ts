/** Notifications: the bell, the page behind it, the title and the toast; and what came while somebody was offline. B9. */
import { type Client, connect } from '@roomful/client'
import { describe, expect, it } from 'vitest'
import { token } from '../outside/lib/token.ts'
import { accessibilityProblems } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { useCommons } from './lib/use-commons.ts'

describe.runIf(hasChromium)('notifications in Chromium', () => {
  const commons = useCommons()

  /** Somebody without a browser. */
  const program = (sub: string): Client => connect(commons.server.http, { token: token({ sub, name: sub }) })

  it('[B9] [X13] come to every page at once, wait while one is offline, and are read once for all devices', async () => {
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
      await person.page.getByRole('dialog').filter({ hasText: 'helper completed “Feed the cat”' }).waitFor()
      await bell(person, 'Notifications, 1 unread').waitFor()
    }
    await desk.tabTo(bell(desk, 'Notifications, 1 unread'))
    await desk.page.keyboard.press('Enter')
    await desk.page.getByRole('listitem').filter({ hasText: 'New: Task completed' }).waitFor()
    expect(await accessibilityProblems(desk.page)).toEqual([])
    await desk.page.keyboard.press('Escape')
    for (const person of [desk, phone]) await bell(person, 'Notifications').waitFor()

    await phone.goOffline()
    await finish('Water the ferns')
    await phone.comeBack()
    await bell(phone, 'Notifications, 1 unread').click()
    await phone.page.getByRole('link', { name: 'See all' }).click()
    await phone.page.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor()
    await bell(phone, 'Notifications').waitFor()
    expect(await accessibilityProblems(phone.page)).toEqual([])
    await phone.page.getByRole('link', { name: /Water the ferns/ }).click()
    await phone.page.getByRole('heading', { name: 'Tasks', level: 1 }).waitFor()
    for (const client of [author, helper]) client.close()
    for (const person of [desk, phone]) person.hasNoTroubles()
  })

  it('a direct message and a mention are noticed on any page, and read where they were written', async () => {
    const [ann, bob] = await Promise.all([
      commons.person('Ann Noticed', { path: '/market' }),
      commons.person('Bob Speaker', { path: '/messages' }),
    ])
    const { page } = ann
    const title = (text: string) => expect.poll(() => page.title()).toBe(text)
    const bell = (name: string) => page.locator(`button[aria-label="${name}"]:visible`)
    await bob.page.getByRole('link', { name: /^Ann Noticed/ }).click()
    const field = bob.page.getByRole('textbox', { name: 'Message Ann Noticed' })
    await field.fill('lunch?')
    await field.press('Enter')
    await page.getByRole('dialog').filter({ hasText: 'lunch?' }).waitFor()
    await bell('Notifications, 1 unread').waitFor()
    await page.getByRole('link', { name: 'Direct messages 1 unread' }).waitFor()
    await title('(1) Market · Commons')
    expect(await accessibilityProblems(page)).toEqual([])

    await page.getByRole('link', { name: 'Direct messages 1 unread' }).click()
    await page.getByRole('link', { name: /^Bob Speaker.*lunch/ }).click()
    await bob.page.getByText('Read', { exact: true }).waitFor()
    await bell('Notifications').waitFor()
    await title('Direct messages · Commons')

    await bob.page.goto('/rooms/lobby')
    const message = bob.page.getByRole('textbox', { name: 'Message #lobby' })
    await message.fill('is @ann noticed here?')
    await message.press('Enter')
    await page.getByRole('dialog').filter({ hasText: 'Bob Speaker mentioned you in #lobby' }).waitFor()
    await title('(1) Direct messages · Commons')
    await message.fill('nothing special')
    await message.press('Enter')
    await bob.page.getByRole('article').filter({ hasText: 'nothing special' }).waitFor()
    await bell('Notifications, 1 unread').click()
    await page.getByRole('link', { name: /^New: .* mentioned you in #lobby/ }).click()
    await page.getByRole('article').filter({ hasText: 'nothing special' }).waitFor()
    await bell('Notifications').waitFor()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })
})
