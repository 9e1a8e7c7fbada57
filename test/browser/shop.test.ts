/** The shop with its customers, its desk and its support before real browsers. B27, B28. */
import { describe, expect, it } from 'vitest'
import { accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { administrator } from './lib/administrator.ts'
import { hasChromium } from './lib/chromium.ts'
import type { Person } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

describe.runIf(hasChromium)('the shop in Chromium', () => {
  const commons = useCommons()

  it('[B28] everyone sees who looks and what is left; two people want the last one, and one gets it', async () => {
    const [ann, bob, cleo] = await Promise.all([
      commons.person('Ann', { path: '/shop/p/last-record' }),
      commons.person('Bob', { path: '/shop/p/last-record', phone: true, dark: true }),
      commons.person('Cleo', { path: '/shop' }),
    ])
    for (const { page } of [ann, bob]) await page.getByText('2 people are viewing this').waitFor()
    for (const { page } of [ann, bob, cleo]) expect(await accessibilityProblemsInBothThemes(page)).toEqual([])

    const buy = ({ page }: Person): Promise<void> => page.getByRole('button', { name: 'Buy now' }).click()
    // Both have clicked before the server hears of either.
    for (const person of [ann, bob]) person.holdNetwork()
    await Promise.all([buy(ann), buy(bob)])
    for (const person of [ann, bob]) person.releaseNetwork()
    await cleo.page
      .getByRole('link', { name: /The last record/ })
      .getByText('Sold out')
      .waitFor()
    const bought = ({ page }: Person) => page.getByRole('list', { name: 'My orders' }).getByText('The last record')
    const refused = ({ page }: Person) => page.getByText('The last record is sold out')
    await bought(ann).or(refused(ann)).first().waitFor()
    await bought(bob).or(refused(bob)).first().waitFor()
    expect((await bought(ann).count()) + (await bought(bob).count())).toBe(1)
    for (const person of [ann, bob, cleo]) person.hasNoTroubles()
  })

  it('[B28] a page that is left is not looked at any more', async () => {
    const ann = await commons.person('Ann', { path: '/shop/p/tea-pot' })
    const tab = await ann.anotherTab('/shop/p/tea-pot')
    await tab.getByText('Only you are viewing this').waitFor() // two tabs are one person
    const bob = await commons.person('Bob', { path: '/shop/p/tea-pot' })
    await ann.page.getByText('2 people are viewing this').waitFor()
    await bob.page.getByRole('link', { name: 'All products' }).click()
    await ann.page.getByText('Only you are viewing this').waitFor()
    for (const person of [ann, bob]) person.hasNoTroubles()
  })

  it('[B27] an order alerts the desk, and its way is seen by the customer, also by one who was away', async () => {
    const desk = await administrator(commons, { path: '/shop/desk' })
    await desk.page.getByRole('list', { name: 'Inventory' }).waitFor()
    const ann = await commons.person('Ann', { path: '/shop/p/reading-lamp' })
    await ann.tabTo(ann.page.getByRole('button', { name: 'Buy now' }))
    await ann.page.keyboard.press('Enter')
    await ann.page.getByRole('list', { name: 'My orders' }).getByText('Reading lamp').waitFor()
    await desk.page.getByText(/1 × Reading lamp for .Ann/).waitFor() // the name is isolated
    await commons.restart('kill')
    for (const person of [ann, desk]) await person.isOnline()
    expect(await accessibilityProblemsInBothThemes(desk.page)).toEqual([])
    await desk.page.getByRole('button', { name: /Mark as packed: Reading lamp/ }).click()
    await ann.page
      .getByRole('listitem')
      .filter({ hasText: 'Packed' })
      .and(ann.page.locator('[aria-current=step]'))
      .waitFor()
    await ann.goOffline()
    await desk.page.getByRole('button', { name: /Mark as shipped: Reading lamp/ }).click()
    await desk.page.getByRole('button', { name: /Mark as delivered: Reading lamp/ }).waitFor()
    await ann.comeBack()
    await ann.page.locator('[aria-current=step]').filter({ hasText: 'Shipped' }).waitFor()
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    for (const person of [ann, desk]) person.hasNoTroubles()
  })

  it('[B27] a customer asks for help, and somebody comes', async () => {
    const ann = await commons.person("Ann O'Neil", { path: '/shop/help', phone: true })
    await ann.page.getByRole('button', { name: 'Contact support' }).click()
    await ann.page.getByLabel('Message').fill('<i>Where</i> is my lamp? 💡')
    await ann.page.keyboard.press('Enter')
    const helper = await administrator(commons, { path: '/shop/support' })
    await helper.page.getByRole('link', { name: /Ann O'Neil/ }).click()
    await helper.page.getByText('<i>Where</i> is my lamp? 💡').waitFor()
    await helper.page.getByLabel('Message').fill('On its way')
    await helper.page.getByRole('button', { name: 'Send' }).click()
    await ann.page.getByText('On its way').waitFor()
    for (const { page } of [ann, helper]) expect(await accessibilityProblemsInBothThemes(page)).toEqual([])
    await helper.page.getByRole('button', { name: 'Mark as resolved' }).click()
    await helper.page.getByRole('heading', { name: 'No one is waiting' }).waitFor()
    for (const person of [ann, helper]) person.hasNoTroubles()
  })
})
