/** The shell of the web app: the door, the frame around the pages, the theme, the connection, the number of people. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityProblems } from './lib/accessibility.ts'
import { adminPassword } from './lib/administrator.ts'
import { hasChromium } from './lib/chromium.ts'
import { Commons, OPENING_MS } from './lib/commons.ts'
import { PASSWORD, type PersonOptions } from './lib/person.ts'

describe.runIf(hasChromium)('the web app in Chromium', () => {
  let commons: Commons

  beforeAll(async () => {
    commons = await Commons.open()
  }, OPENING_MS)
  afterAll(() => commons?.[Symbol.asyncDispose]())
  afterEach(() => commons.everyoneLeaves())

  it('[H22] an account is made at the door, survives a reload, is left and entered again', async () => {
    const { page, ...sara } = await commons.person('Sara', { signedOut: true })
    const hello = page.getByRole('heading', { name: 'Hello, 👩‍👩‍👧 שרה at the door' })
    expect(await accessibilityProblems(page)).toEqual([])
    await page.getByRole('tab', { name: 'Sign up' }).click()
    await page.getByLabel('Name').fill(' 👩‍👩‍👧 שרה at the door')
    await page.getByLabel('Password').fill('short')
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByText('8 characters', { exact: false }).first().waitFor()
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Create account' }).click()
    await hello.waitFor()
    await page.reload()
    await hello.waitFor()

    const menu = page.getByRole('button', { name: /signing out/ })
    expect(await menu.locator('[aria-hidden]').first().innerText()).toBe('👩‍👩‍👧')
    await menu.click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByLabel('Name').fill('👩‍👩‍👧  שרה AT the door')
    await page.getByLabel('Password').fill('not the password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('Wrong name or password').waitFor()
    await page.getByLabel('Password').fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await hello.waitFor()
    expect(sara.troubles.filter((trouble) => !/40[019]|Unauthorized/.test(trouble))).toEqual([])
  })

  it('the first administrator signs in with the password that the terminal showed', async () => {
    const { page } = await commons.person('admin', { signedOut: true })
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password').fill(adminPassword(commons))
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Admin', { exact: true }).waitFor()
  })

  it('a guest needs a name and no account', async () => {
    const { page, ...guest } = await commons.person('Gus', { signedOut: true })
    await page.getByRole('tab', { name: 'As a guest' }).click()
    await page.getByLabel('Name').fill('Gus')
    await page.getByRole('button', { name: 'Come in' }).click()
    await page.getByRole('heading', { name: 'Hello, Gus' }).waitFor()
    await page.locator('[data-connection="open"]:visible').waitFor()
    expect(guest.troubles).toEqual([])
  })

  it('signing out in one tab signs out in all', async () => {
    const ann = await commons.person('Ann')
    const tab = await ann.anotherTab()
    await tab.getByRole('heading', { name: 'Hello, Ann' }).waitFor()
    await ann.page.getByRole('button', { name: /signing out/ }).click()
    await ann.page.getByRole('menuitem', { name: 'Sign out' }).click()
    await tab.getByRole('heading', { name: 'Welcome to Commons' }).waitFor()
    ann.hasNoTroubles()
  })

  it('a token that the server takes no longer leads back to the door, with the reason', async () => {
    const ann = await commons.person('Ann')
    await ann.page.evaluate(() => {
      const session = JSON.parse(localStorage.getItem('commons.session') ?? '')
      localStorage.setItem('commons.session', JSON.stringify({ ...session, token: `${session.token}x` }))
    })
    await ann.page.reload()
    await ann.page.getByRole('alert').getByText('Your session has ended').waitFor()
    ann.hasNoTroubles()
  })

  it('[B17] everyone sees how many are here, as people come and go', async () => {
    const ann = await commons.person('Ann')
    await ann.page.getByTitle('Only you are here').waitFor()
    const bob = await commons.person('Bob')
    for (const { page } of [ann, bob]) await page.getByTitle('2 people are here').waitFor()
    await bob.close()
    await ann.page.getByTitle('Only you are here').waitFor()
    ann.hasNoTroubles()
  })

  it('[B21] the connection is always said, offline and back', async () => {
    const ann = await commons.person('Ann')
    await ann.goOffline()
    await ann.page.getByRole('status').getByText('Offline', { exact: true }).waitFor()
    await ann.comeBack()
    await ann.page.getByRole('status').getByText('Online', { exact: true }).waitFor()
    ann.hasNoTroubles()
  })

  it.each([
    ['light, at a desk', {}],
    ['dark, at a desk', { dark: true }],
    ['light, on a phone', { phone: true }],
    ['dark, on a phone', { dark: true, phone: true }],
  ])('is accessible: %s', async (_name, options: PersonOptions) => {
    const ann = await commons.person('Ann', options)
    expect(await accessibilityProblems(ann.page)).toEqual([])
    if (options.phone) {
      await ann.page.getByRole('button', { name: 'Open the navigation' }).click()
      await ann.page.getByRole('navigation', { name: 'Pages' }).waitFor()
      expect(await accessibilityProblems(ann.page)).toEqual([])
    }
    ann.hasNoTroubles()
  })

  it('a place that is none says so, and the frame stays; a chosen theme holds across a reload', async () => {
    const ann = await commons.person('Ann', { path: '/nowhere/at/all' })
    await ann.page.getByRole('heading', { name: 'There is no such page' }).waitFor()
    await ann.page.getByRole('link', { name: 'Home' }).click()
    await ann.page.getByRole('heading', { name: 'Hello, Ann' }).waitFor()
    await ann.page.getByRole('button', { name: /Appearance/ }).click()
    await ann.page.getByRole('menuitemradio', { name: 'Dark' }).click()
    await ann.page.reload()
    expect(await ann.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
    ann.hasNoTroubles()
  })
})
