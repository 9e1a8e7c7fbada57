/** The inspector: an administrator sees a person come, and changes what they may do while they are there. B27, D8, D11. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityProblems } from './lib/accessibility.ts'
import { administrator } from './lib/administrator.ts'
import { hasChromium } from './lib/chromium.ts'
import { Commons } from './lib/commons.ts'
import { PASSWORD } from './lib/person.ts'

describe.runIf(hasChromium)('the inspector in Chromium', () => {
  let commons: Commons

  beforeAll(async () => {
    commons = await Commons.open()
  })
  afterAll(() => commons?.[Symbol.asyncDispose]())
  afterEach(() => commons.everyoneLeaves())

  it('[D8] shows the load over time, in both themes and both sizes', async () => {
    const desk = await administrator(commons, { path: '/inspector' })
    const phone = await administrator(commons, { path: '/inspector', phone: true, dark: true })
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
    expect(await accessibilityProblems(admin.page)).toEqual([])
    for (const person of [ann, admin]) person.hasNoTroubles()
  })

  it('[B27] [D11] gives a person a role, and shuts one out, at once', async () => {
    const ann = await commons.person('Mallory', { path: '/shop' })
    const admin = await administrator(commons, { path: '/inspector' })
    await admin.page.getByRole('radio', { name: 'Connections' }).click()
    await admin.page.getByRole('button', { name: 'What to do about Mallory' }).click()
    await admin.page.getByRole('menuitem', { name: 'Change the role…' }).click()
    await admin.page.getByLabel('Role of Mallory').selectOption('seller')
    await admin.page.getByRole('button', { name: 'Change it' }).click()
    await admin.page.getByText('Mallory is Seller now').waitFor()
    await ann.page.reload() // the page learns of it with its next connection; the server holds to it at once
    await ann.page.getByRole('link', { name: 'Desk' }).waitFor()
    expect(await accessibilityProblems(admin.page)).toEqual([])

    await admin.page.getByRole('button', { name: 'What to do about Mallory' }).click()
    await admin.page.getByRole('menuitem', { name: 'Ban' }).click()
    await admin.page.getByText('Mallory is banned').waitFor()
    const again = await commons.server.post('/api/session', { username: 'Mallory', password: PASSWORD })
    expect(again.status).toBe(403)
    admin.hasNoTroubles()
  })
})
