/** The shell of the web app: the door, the frame around the pages, the theme, the connection, the number of people. */
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { token } from '../outside/lib/token.ts'
import { accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { adminPassword } from './lib/administrator.ts'
import { hasChromium } from './lib/chromium.ts'
import { PASSWORD, type Person, type PersonOptions } from './lib/person.ts'
import { useCommons } from './lib/use-commons.ts'

describe.runIf(hasChromium)('the web app in Chromium', () => {
  const commons = useCommons()

  it('[H22] an account is made at the door, survives a reload, is left and entered again', async () => {
    const { page, ...sara } = await commons.person('Sara', { signedOut: true })
    const hello = page.getByRole('heading', { name: 'Hello, 👩‍👩‍👧 שרה at the door' })
    expect(await accessibilityProblemsInBothThemes(page)).toEqual([])
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

    const menu = page.getByRole('button', { name: /Account menu/ })
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
    await page.getByRole('tab', { name: 'Continue as guest' }).click()
    await page.getByLabel('Name').fill('Gus')
    await page.getByRole('button', { name: 'Continue', exact: true }).click()
    await page.getByRole('heading', { name: 'Hello, Gus' }).waitFor()
    await page.locator('[data-connection="open"]:visible').waitFor()
    expect(guest.troubles).toEqual([])
  })

  it('signing out in one tab signs out in all', async () => {
    const ann = await commons.person('Ann')
    const tab = await ann.anotherTab()
    await tab.getByRole('heading', { name: 'Hello, Ann' }).waitFor()
    await ann.page.getByRole('button', { name: /Account menu/ }).click()
    await ann.page.getByRole('menuitem', { name: 'Sign out' }).click()
    await tab.getByRole('heading', { name: 'Welcome to Commons' }).waitFor()
    ann.hasNoTroubles()
  })

  const tokenIn = (page: Page) => page.evaluate(() => JSON.parse(localStorage.getItem('commons.session') ?? '{}').token)

  /** Goes on with another token for the same person, as if it had been kept since. */
  async function goOnWith(ann: Person, claims: object, expiresInS: number): Promise<string> {
    const { user } = (await commons.session(ann.name)) as { user: object }
    const kept = token({ ...user, ...claims }, { expiresInS })
    await ann.page.evaluate((given) => {
      const session = JSON.parse(localStorage.getItem('commons.session') ?? '')
      localStorage.setItem('commons.session', JSON.stringify({ ...session, token: given }))
    }, kept)
    await Promise.all(ann.context.pages().map((page) => page.reload()))
    for (const page of ann.context.pages()) await page.locator('[data-connection="open"]:visible').waitFor()
    return kept
  }

  it('[H23] a page that is left open gets a fresh token before the old one ends, once for all tabs', async () => {
    const ann = await commons.person('Ann', { withoutWorkers: true })
    const pages = [ann.page, await ann.anotherTab()]
    const renewed = new Set<unknown>()
    for (const page of pages) {
      page.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => {
          if (String(payload).startsWith('{"type":"auth"')) renewed.add(JSON.parse(String(payload)).ch)
        }),
      )
    }
    let exchanges = 0
    ann.context.on('request', (request) => {
      if (request.url().endsWith('/api/session/refresh')) exchanges++
    })
    const seconds = Math.floor(Date.now() / 1000)
    const old = await goOnWith(ann, { auth_time: seconds, iat: seconds }, 34)
    // The server says 30 s before that it ends, to three namespaces in each of two tabs.
    await expect.poll(() => renewed.size, { timeout: 30_000 }).toBe(6)
    expect(exchanges).toBe(1)
    for (const page of pages) {
      expect(await tokenIn(page)).not.toBe(old)
      await page.locator('[data-connection="open"]:visible').waitFor()
    }

    // Long before: a look at the clock is enough.
    const half = await goOnWith(ann, { auth_time: seconds, iat: seconds - 13 * 3600 }, 11 * 3600)
    await ann.page.evaluate(() => dispatchEvent(new Event('online')))
    await expect.poll(() => tokenIn(ann.page)).not.toBe(half)
    expect(exchanges).toBe(2)
    ann.hasNoTroubles()
  })

  it('[H23] a token that ended while the laptop slept leads to the door, with the reason', async () => {
    const ann = await commons.person('Ann')
    const endsAt = Date.now() + 5_000
    await goOnWith(ann, {}, 4)
    await ann.cutNetwork()
    await expect.poll(() => Date.now() > endsAt, { timeout: 10_000 }).toBe(true)
    ann.mendNetwork()
    await ann.page.getByRole('alert').getByText('Your session has expired').waitFor()
    expect(ann.troubles.filter((trouble) => !/40[13]|ERR_|WebSocket connection/.test(trouble))).toEqual([])
  })

  it('[B17] everyone sees how many are here, as people come and go', async () => {
    const ann = await commons.person('Ann')
    await ann.page.getByTitle('Only you are online').waitFor()
    const bob = await commons.person('Bob')
    for (const { page } of [ann, bob]) await page.getByTitle('2 people online').waitFor()
    await bob.close()
    await ann.page.getByTitle('Only you are online').waitFor()
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

  it('a page that is first opened offline is there as soon as the connection is back', async () => {
    const ann = await commons.person('Ann')
    await ann.goOffline()
    await ann.page.getByRole('navigation').getByRole('link', { name: 'Games' }).click()
    await ann.page.getByRole('heading', { name: 'You’re offline' }).waitFor()
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    await ann.comeBack()
    await ann.page.getByRole('heading', { name: 'Games', level: 1 }).waitFor()
    ann.hasNoTroubles()
  })

  it('on a slow line the outline of the app is painted before its styles and scripts are there', async () => {
    const ann = await commons.person('Ann')
    const { page } = ann
    const held = Promise.withResolvers<void>()
    await page.route('**/assets/**', async (route) => {
      await held.promise
      await route.continue()
    })
    await page.reload({ waitUntil: 'commit' })
    await page.getByRole('status').getByText('Loading Commons…').waitFor()
    const painted = () => page.evaluate(() => performance.getEntriesByName('first-contentful-paint').length)
    await expect.poll(painted).toBe(1)
    held.resolve()
    await page.getByRole('heading', { name: 'Hello, Ann' }).waitFor()
    ann.hasNoTroubles()
  })

  it.each([
    ['at a desk', {}],
    ['on a phone', { phone: true }],
  ])('is accessible in both themes: %s', async (_name, options: PersonOptions) => {
    const ann = await commons.person('Ann', options)
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    if (options.phone) {
      await ann.page.getByRole('button', { name: 'Open navigation' }).click()
      await ann.page.getByRole('navigation', { name: 'Pages' }).waitFor()
      expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    }
    ann.hasNoTroubles()
  })

  it('a place that is none says so, and the frame stays; a chosen theme holds across a reload', async () => {
    const ann = await commons.person('Ann', { path: '/nowhere/at/all' })
    await ann.page.getByRole('heading', { name: 'Page not found', level: 1 }).waitFor()
    expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    await ann.page.getByRole('link', { name: 'Back to home' }).click()
    await ann.page.getByRole('heading', { name: 'Hello, Ann' }).waitFor()
    await ann.page.getByRole('button', { name: /Account menu/ }).click()
    await ann.page.getByRole('menuitemradio', { name: 'Dark' }).click()
    await ann.page.reload()
    expect(await ann.page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('dark')
    ann.hasNoTroubles()
  })
})
