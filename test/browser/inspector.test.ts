/** The inspector: an administrator sees a person come, and changes what they may do while they are there. B27, D8, D11. */
import { describe, expect, it, vi } from 'vitest'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { administrator } from './lib/administrator.ts'
import { hasChromium } from './lib/chromium.ts'
import { PASSWORD } from './lib/person.ts'
import { RoomPage } from './lib/room-page.ts'
import { useCommons } from './lib/use-commons.ts'

describe.runIf(hasChromium)('the inspector in Chromium', () => {
  const commons = useCommons()

  it('[D8] shows the load over time, in both themes and both sizes', async () => {
    const [desk, phone] = await Promise.all([
      administrator(commons, { path: '/inspector' }),
      administrator(commons, { path: '/inspector', phone: true, dark: true }),
    ])
    for (const person of [desk, phone]) {
      await person.page.getByRole('img', { name: /^Memory: \d+ MiB now/ }).waitFor()
      expect(await accessibilityProblems(person.page)).toEqual([])
      person.hasNoTroubles()
    }
  })

  it('[D8] reads the log of a room that people are in', async () => {
    const ann = await commons.person('Ann', { path: '/market' })
    const admin = await administrator(commons, { path: '/inspector' })
    await ann.page.getByRole('heading', { name: 'Acorn Foods' }).waitFor()
    await admin.page.getByRole('radio', { name: 'Rooms' }).click()
    await admin.page.getByRole('button', { name: /^market/ }).click()
    await admin.page.getByRole('cell', { name: 'price:update' }).first().waitFor()
    expect(await accessibilityProblemsInBothThemes(admin.page)).toEqual([])
    for (const person of [ann, admin]) person.hasNoTroubles()
  })

  it('[D8] reads another person’s story, and says why they did or did not see an event', async () => {
    const ann = await commons.person('Stella', { path: '/rooms/observatory' })
    const admin = await administrator(commons, { path: '/inspector' })
    const phone = await administrator(commons, { path: '/inspector', phone: true, dark: true })
    const room = new RoomPage(ann)
    await room.say('A comet')
    await room.sees('A comet')

    for (const { page } of [admin, phone]) {
      await page.getByRole('radio', { name: 'Connections' }).click()
      await page.getByLabel('Find').fill('stella')
      const row = page.getByRole('listitem').filter({ hasText: '/public' })
      await row.getByRole('button', { name: 'Connection history of Stella' }).first().click()
      const story = page.getByRole('dialog', { name: 'Connection history' })
      await story.getByText('Joined observatory, receiving from event 1').waitFor()
      await story.getByText('Still open').waitFor()
    }
    for (const { page } of [admin, phone]) expect(await accessibilityProblems(page)).toEqual([])

    // By the keyboard alone: from the story to the question, and to its answer.
    const { page } = admin
    await admin.tabTo(page.getByRole('button', { name: 'Explain an event' }))
    await page.keyboard.press('Enter')
    await admin.tabTo(page.getByLabel('Room'))
    await page.keyboard.type('observatory')
    await page.keyboard.press('Enter')
    await page.getByText('Enter an event number, 1 or higher').waitFor()
    await page.getByLabel('Event number').fill('1')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /^Yes. It was delivered to Stella/ }).waitFor()
    await page.getByText('Details', { exact: true }).click()
    const details = page.getByRole('list', { name: 'Details' })
    await details.getByText('TOLD', { exact: true }).waitFor()
    await details.getByText('It joined at event 0 and received event 1 live.').waitFor()
    await page.getByLabel('Event number').fill('999')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /^No. There’s no such event: observatory has no event 999/ }).waitFor()
    await page.getByLabel('Namespace').fill('/nowhere')
    await page.keyboard.press('Enter')
    await page.getByText('There is no namespace').waitFor()
    expect(admin.troubles.splice(0)).toEqual([expect.stringContaining('status of 404')]) // the browser logs what it is answered
    expect(await accessibilityProblems(page)).toEqual([])

    // By name on the phone; what cannot be read is said, and tried again.
    await phone.page.keyboard.press('Escape')
    await phone.page.getByRole('radio', { name: 'Explain' }).click()
    await phone.page.getByLabel('Person').fill('stella')
    await phone.page.getByLabel('Room').fill('observatory')
    await phone.page.getByLabel('Event number').fill('1')
    await phone.page.getByRole('button', { name: 'Explain', exact: true }).click()
    await phone.page.getByRole('heading', { name: /^Yes. It was delivered to Stella/ }).waitFor()
    await phone.page.getByText(/^Event 1 in observatory: message:new by Stella/).waitFor()
    await phone.page.getByText('Details', { exact: true }).click()
    expect(await accessibilityProblems(phone.page)).toEqual([])
    await phone.page.route('**/api/server/**', (route) => route.abort('internetdisconnected'))
    await phone.page
      .getByRole('button', { name: /^History of c_/ })
      .first()
      .click()
    await phone.page.getByText('Can’t reach the server').waitFor()
    await phone.page.unroute('**/api/server/**')
    await phone.page.getByRole('button', { name: 'Try again' }).click()
    await phone.page.getByText('Joined observatory, receiving from event 1').waitFor()

    // Whoever is gone has a story still, with its end.
    await ann.close()
    await page.getByRole('radio', { name: 'Connections' }).click()
    await page.getByLabel('Find').fill('stella')
    const ended = page.getByRole('list', { name: 'Recently closed connections' })
    const story = ended.getByRole('button', { name: 'Connection history of Stella' }).first()
    await vi.waitFor(
      async () => {
        await page.getByRole('button', { name: 'Refresh' }).click()
        expect(await story.isVisible()).toBe(true)
      },
      { timeout: 10_000, interval: 300 },
    )
    await story.click()
    await page.getByText(/^Closed with 100[156]/).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'hidden' })
    for (const person of [admin, phone]) person.hasNoTroubles()
  })

  it('[B27] [D11] gives a person a role, and shuts one out, at once', async () => {
    const ann = await commons.person('Mallory', { path: '/rooms/lobby' }) // which is on her list from now on
    const admin = await administrator(commons, { path: '/inspector' })
    // A list that is loaded anew may take away the row that an open menu hangs on.
    const choose = async (item: string, triesLeft = 5): Promise<void> => {
      await admin.page.getByRole('button', { name: 'Actions for Mallory' }).first().click()
      const chosen = admin.page.getByRole('menuitem', { name: item }).click({ timeout: triesLeft > 0 ? 3_000 : 30_000 })
      if (
        await chosen.then(
          () => true,
          () => false,
        )
      )
        return
      await admin.page.keyboard.press('Escape')
      if (triesLeft === 0) throw new Error(`The menu has no ${item}`)
      await choose(item, triesLeft - 1)
    }
    const give = async (role: string): Promise<void> => {
      await choose('Change role…')
      await admin.page.getByLabel('Role', { exact: true }).selectOption({ label: role })
      await admin.page.getByRole('button', { name: 'Save' }).click()
      await admin.page.getByText(`Mallory’s role is now ${role}`).first().waitFor()
    }
    await admin.page.getByRole('radio', { name: 'Connections' }).click()
    await give('Administrator')
    await ann.page.getByRole('link', { name: 'Inspector' }).click()
    await ann.page.getByRole('radio', { name: 'Connections' }).waitFor()
    await give('Seller')
    await ann.page.getByRole('heading', { name: 'You don’t have access to this page' }).waitFor()
    expect(await ann.page.getByRole('link', { name: 'Inspector' }).count()).toBe(0)
    await ann.page.getByRole('link', { name: 'Shop' }).click()
    await ann.page.getByRole('link', { name: 'Desk' }).click()
    await ann.page.getByRole('list', { name: 'Inventory' }).waitFor()
    await give('Member')
    await ann.page.getByText('Your role may have changed.').waitFor()
    expect(await ann.page.getByRole('link', { name: 'Desk' }).count()).toBe(0)
    expect(await accessibilityProblemsInBothThemes(admin.page)).toEqual([])
    await choose('Disconnect…')
    expect(await accessibilityProblems(admin.page)).toEqual([])
    await admin.page.getByRole('button', { name: 'Disconnect', exact: true }).click()
    await ann.page.getByRole('alert').getByText('You’ve been disconnected').waitFor()
    await ann.page.getByRole('button', { name: 'Reconnect' }).click()
    await ann.isOnline()
    await ann.page.getByTitle(/people online$/).waitFor()
    await ann.page.getByRole('link', { name: 'Rooms' }).click()
    await ann.page.getByRole('link', { name: /^lobby/ }).click()
    await ann.page.getByRole('heading', { name: 'lobby' }).waitFor()
    expect(await ann.page.getByText('You’re offline').count()).toBe(0)

    await admin.page.getByRole('button', { name: 'Refresh' }).click()
    await choose('Ban…')
    await admin.page.getByRole('dialog', { name: 'Ban Mallory?' }).waitFor()
    await ann.isOnline() // a click on the menu alone does nothing
    await admin.page.getByLabel('Reason').fill('Repeated spam')
    expect(await accessibilityProblemsInBothThemes(admin.page)).toEqual([])
    await admin.page.getByRole('button', { name: 'Ban', exact: true }).click()
    await admin.page.getByText('Mallory was banned').first().waitFor()
    const suspended = 'Your account has been suspended. Reason: Repeated spam'
    await ann.page.getByRole('alert').getByText(suspended, { exact: true }).waitFor()
    await ann.page.reload()
    await ann.page.getByLabel('Name').fill('Mallory')
    await ann.page.getByLabel('Password').fill(PASSWORD)
    await ann.page.getByRole('button', { name: 'Sign in' }).click()
    await ann.page.getByRole('alert').getByText(suspended, { exact: true }).waitFor()

    // Nobody is connected now whom one could choose: the list of accounts has them all.
    await admin.page.getByRole('radio', { name: 'People' }).click()
    await admin.page.getByLabel('Find people').fill('MALL')
    const row = admin.page.getByRole('listitem').filter({ hasText: 'Mallory' })
    await row.getByText('Banned', { exact: true }).waitFor()
    await row.getByText('Ban reason: Repeated spam').waitFor()
    expect(await accessibilityProblems(admin.page)).toEqual([])
    await choose('Unban')
    await row.getByText('Banned', { exact: true }).waitFor({ state: 'detached' })
    await ann.page.getByRole('button', { name: 'Sign in' }).click()
    await ann.isOnline()
    admin.hasNoTroubles()
  })
})
