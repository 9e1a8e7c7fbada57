/** Commons on two nodes: people on different nodes see the same, and nodes that restart one after another show to no one. */
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster } from '../../scripts/lib/cluster/cluster.ts'
import { startCluster } from '../nodes/start-cluster.ts'
import { ROOT } from '../outside/lib/node.ts'
import { UNLIMITED } from '../outside/lib/server.ts'
import { hasChromium } from './lib/chromium.ts'
import { Commons, OPENING_MS } from './lib/commons.ts'
import type { Person } from './lib/person.ts'
import { RoomPage } from './lib/room-page.ts'
import { openChromium } from './lib/shared.ts'
import { buildWebApp } from './lib/web-app.ts'

const PROGRAM = ['--conditions=source', join(ROOT, 'apps/commons/main.ts')]

/** What a page has shown since: the list of members, each time that it changed, and every message once. */
interface Watching extends Window {
  members: string[]
  messages: string[]
}

describe.runIf(hasChromium)('Commons on two nodes in Chromium', () => {
  let browser: Browser

  beforeAll(async () => {
    buildWebApp()
    browser = await openChromium()
  }, OPENING_MS)
  afterAll(() => browser?.close())

  async function serve(): Promise<Cluster> {
    for (const [name, value] of Object.entries(UNLIMITED)) process.env[name] = value
    onTestFinished(() => {
      for (const name of Object.keys(UNLIMITED)) Reflect.deleteProperty(process.env, name)
    })
    return (await startCluster(PROGRAM)).cluster
  }

  const open = (port: number | undefined): Commons => {
    const commons = Commons.at(browser, port ?? 0)
    onTestFinished(() => commons.everyoneLeaves())
    return commons
  }

  it('[D9] [D10] nodes that restart one after another: no member leaves the list, and no message is lost', async () => {
    const cluster = await serve()
    const commons = open(Number(new URL(cluster.url).port))
    const rooms: RoomPage[] = []
    for (const name of ['Ann', 'Bob', 'Cleo']) {
      const room = new RoomPage(await commons.person(name, { path: '/rooms/lobby' }))
      await room.log.waitFor()
      rooms.push(room)
    }
    for (const { members } of rooms) await expect.poll(() => members.count()).toBe(3)
    for (const { page } of rooms) {
      await page.evaluate(() => {
        const list = document.querySelector('aside[aria-label="Members"]')
        const log = document.querySelector('[role="log"]')
        if (!list || !log) throw new Error('The page shows no room')
        const own = window as unknown as Watching
        own.members = []
        own.messages = []
        const textsIn = (within: Element, selector: string): string[] =>
          [...within.querySelectorAll(selector)].map((each) => each.textContent ?? '')
        const note = (): void => {
          own.members.push(textsIn(list, 'li bdi').sort().join())
          for (const text of textsIn(log, 'article p[dir="auto"]')) {
            if (!own.messages.includes(text)) own.messages.push(text)
          }
        }
        note()
        for (const each of [list, log]) new MutationObserver(note).observe(each, { subtree: true, childList: true })
      })
    }
    const sent: string[] = []
    const restarting = { isOver: false }
    const talking = (async () => {
      for (let i = 0; !restarting.isOver; i++) {
        const text = `message ${i}.`
        sent.push(text)
        await rooms[i % rooms.length]?.say(text)
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    })()
    await cluster.restartNodes()
    restarting.isOver = true
    await talking
    for (const room of rooms) {
      await room.sees(sent.at(-1) ?? '')
      const messages = () => room.page.evaluate(() => (window as unknown as Watching).messages)
      const missing = async () => {
        const shown = await messages()
        return sent.filter((text) => !shown.includes(text))
      }
      await expect.poll(missing).toEqual([])
      const members = await room.page.evaluate(() => (window as unknown as Watching).members)
      expect(new Set(members)).toEqual(new Set(['Ann,Bob,Cleo']))
      room.person.hasNoTroubles()
    }
    const [ann, ...others] = await Promise.all(rooms.map((room) => room.texts()))
    for (const texts of others) expect(texts).toEqual(ann)
  }, 120_000)

  it('[C20] people on different nodes use the same market, tables, products, slides and people', async () => {
    const cluster = await serve()
    const [one, two] = cluster.nodePorts.map(open)
    if (!one || !two) throw new Error('There are not two nodes')
    const ann = await one.person('Ann', { path: '/market' })
    const bob = await two.person('Bob', { path: '/market' })
    const both = [ann, bob]
    const go = (path: string) => Promise.all(both.map(({ page }) => page.goto(path)))

    const chart = ({ page }: Person) => page.getByRole('img', { name: /Acorn Foods: / })
    for (const person of both) await chart(person).waitFor()
    await expect
      .poll(async () => (await chart(ann).getAttribute('aria-label')) === (await chart(bob).getAttribute('aria-label')))
      .toBe(true)

    await go('/games')
    await ann.page.getByRole('button', { name: 'New table' }).first().click()
    await ann.page.getByLabel('Table name').fill('Round table')
    await ann.page.getByRole('button', { name: 'Create table' }).click()
    await bob.page.getByRole('button', { name: 'Join Round table' }).click()
    await ann.page.getByRole('heading', { name: 'Waiting for 2 more players' }).waitFor()
    await bob.page.getByRole('button', { name: 'Add bots' }).click()
    for (const { page } of both) {
      await page.getByText(/Round \d of 7/).waitFor() // the first one lasts 12 s, which a busy machine may need to show it
      await page
        .getByRole('button', { name: /Card \d/ })
        .first()
        .click()
    }
    for (const { page } of both) await page.getByText('Points this round').waitFor()

    await go('/shop/p/tea-pot')
    for (const { page } of both) await page.getByText('2 people are viewing this').waitFor()

    await go('/stage')
    await ann.page.getByRole('button', { name: 'New presentation' }).click()
    await ann.page.getByLabel('Title').fill('All about ferns')
    await ann.page.getByLabel('Slides').fill('Why ferns\n\nThank you')
    await ann.page.getByRole('button', { name: 'Start presenting' }).click()
    await bob.page.getByRole('button', { name: 'Open All about ferns' }).click()
    await ann.page.getByText('2 watching').waitFor()
    await ann.page.keyboard.press('ArrowRight')
    await bob.page.getByRole('heading', { name: 'Thank you' }).waitFor()

    await ann.page.goto('/messages')
    await ann.page.getByRole('link', { name: /Bob/ }).first().click()
    await ann.page.getByText('Online', { exact: true }).first().waitFor()
    for (const person of both) person.hasNoTroubles()
  }, 120_000)
})
