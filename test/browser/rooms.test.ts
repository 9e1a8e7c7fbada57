/** The rooms page with several people in browsers of their own. B17, B19, C10, C13, C19, D10, D12. */
import { type Client, connect } from '@roomful/client'
import type { Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { token } from '../outside/lib/token.ts'
import { accessibilityProblems, accessibilityProblemsInBothThemes } from './lib/accessibility.ts'
import { hasChromium } from './lib/chromium.ts'
import { Commons, OPENING_MS } from './lib/commons.ts'
import { PASSWORD, type PersonOptions } from './lib/person.ts'
import { RoomPage } from './lib/room-page.ts'

const HOUR_MS = 3_600_000

describe.runIf(hasChromium)('rooms in Chromium', () => {
  let commons: Commons
  const programs: Client[] = []

  beforeAll(async () => {
    commons = await Commons.open({ alone: true })
  }, OPENING_MS)
  afterAll(() => commons?.[Symbol.asyncDispose]())
  afterEach(async () => {
    for (const program of programs.splice(0)) program.close()
    await commons.everyoneLeaves()
  })

  async function inRoom(name: string, roomId: string, options: PersonOptions = {}): Promise<RoomPage> {
    const room = new RoomPage(await commons.person(name, { ...options, path: `/rooms/${encodeURIComponent(roomId)}` }))
    await room.log.waitFor()
    return room
  }

  async function both(
    roomId: string,
    [one, other]: readonly [string, string] = ['Ann', 'Bob'],
    options: PersonOptions = {},
  ): Promise<[RoomPage, RoomPage]> {
    return await Promise.all([inRoom(one, roomId, options), inRoom(other, roomId, options)])
  }

  /** A member without a browser. */
  function program(name: string, maxInFlight = 1): Client {
    const given = { namespace: '/public', token: token({ sub: name, name }), outbox: { maxInFlight } }
    const client = connect(commons.server.http, given)
    programs.push(client)
    return client
  }

  it('[B19] [C10] two people talk: typing, reactions, replies, edits, deletions', async () => {
    const [ann, bob] = await both('lobby')
    for (const { members } of [ann, bob]) await expect.poll(() => members.allTextContents()).toHaveLength(2)

    await bob.field.pressSequentially('hel')
    await ann.page.getByText('Bob is typing…').waitFor()
    await bob.say('hello')
    await ann.sees('hello')
    await expect.poll(() => ann.page.getByText('Bob is typing…').count()).toBe(0)

    await ann.act('hello', /thumbs up/)
    await bob.page.getByRole('button', { name: '👍, 1 person' }).click()
    await ann.page.getByRole('button', { name: '👍, 2 people', pressed: true }).click()
    await bob.page.getByRole('button', { name: '👍, 1 person', pressed: true }).waitFor()
    await bob.act('hello', /^Remove thumbs up/)
    for (const { page } of [ann, bob])
      await page.getByRole('list', { name: 'Reactions' }).waitFor({ state: 'detached' })

    await ann.act('hello', 'Reply')
    await ann.say('hello yourself')
    await bob.message('hello yourself').getByText('In reply to').waitFor()

    await bob.field.press('ArrowUp')
    await bob.say('hello, all')
    await ann.message('hello, all').getByText('(edited)').first().waitFor()

    await ann.act('hello yourself', 'Delete')
    await ann.page.getByRole('button', { name: 'Delete' }).click()
    await bob.page.getByText('This message was deleted').waitFor()
    await bob.page.reload()
    await bob.page
      .getByRole('article', { name: /^Ann, / })
      .getByText('This message was deleted')
      .waitFor()
    await bob.sees('hello, all')
    expect(await bob.texts()).toEqual(['hello, all'])
    for (const { person } of [ann, bob]) person.hasNoTroubles()
  })

  it('[C19] what looks like HTML is text, links lead out safely, and nothing runs', async () => {
    const [ann, bob] = await both('html')
    const text = '<img src=x onerror=alert(1)><b>bold</b> javascript:alert(2) https://example.org/x?y=1.'
    await ann.say(text)
    await bob.sees('bold')
    expect(await bob.texts()).toEqual([text])
    const links = bob.log.getByRole('link')
    await expect.poll(() => links.count()).toBe(1) // a row is hidden while it is measured
    expect(await links.getAttribute('href')).toBe('https://example.org/x?y=1')
    expect(await links.getAttribute('rel')).toContain('noopener')
    for (const { person } of [ann, bob]) person.hasNoTroubles()
  })

  it('[B17] [C13] the list counts people, not tabs, and a new room is there for others', async () => {
    const ann = await inRoom('Ann', 'lobby')
    const bob = new RoomPage(await commons.person('Bob', { path: '/rooms' }))
    await bob.page.getByRole('button', { name: 'New room' }).click()
    await bob.page.getByLabel('Name').fill('game:1')
    await bob.page.getByRole('button', { name: 'Create room' }).click()
    await bob.page.getByText('Names can’t contain colons').waitFor()
    await bob.page.getByLabel('Name').fill('Gärten & Höfe 🌿')
    await bob.page.getByRole('button', { name: 'Create room' }).click()
    await bob.page.getByRole('heading', { name: 'Gärten & Höfe 🌿' }).waitFor()
    const tab = await bob.person.anotherTab(new URL(bob.page.url()).pathname)
    await tab.getByRole('log').waitFor()
    await ann.page.getByRole('link', { name: /Gärten & Höfe 🌿 1 person here/ }).click({ timeout: 15_000 })
    await expect.poll(() => ann.members.allTextContents()).toHaveLength(2)
    await tab.close()
    await ann.say('still both')
    await bob.sees('still both')
    await bob.page.close()
    // Who closes a page has left; who is cut off is awaited for a moment.
    await expect.poll(() => ann.members.filter({ hasText: /^.?Ann/ }).count(), { timeout: 10_000 }).toBe(1)
    ann.person.hasNoTroubles()
  })

  it('[C18] [D10] offline: what is written waits; what was said meanwhile is there; the others see how it stands', async () => {
    const [ann, bob] = await both('cable')
    await ann.say('before')
    await bob.sees('before')
    await bob.person.goOffline()
    await bob.page.getByText('You’re offline.').waitFor()
    await ann.members
      .filter({ hasText: 'Bob' })
      .getByText(/reconnecting|left/)
      .waitFor()
    await bob.say('written offline')
    await bob.message('written offline').getByText('Sending…').waitFor()
    await ann.say('said meanwhile')
    await bob.person.comeBack()
    for (const room of [ann, bob]) {
      await expect
        .poll(() => room.texts(), { timeout: 15_000 })
        .toEqual(['before', 'said meanwhile', 'written offline'])
    }
    await expect.poll(() => bob.page.getByText('Sending…').count()).toBe(0)
    for (const { person } of [ann, bob]) person.hasNoTroubles()
  })

  it('[D12] a reload in the middle of a send loses nothing and sends nothing twice', async () => {
    const [ann, bob] = await both('reload')
    await bob.person.cutNetwork()
    await bob.say('one')
    await bob.say('two')
    await bob.message('two').getByText('Sending…').waitFor()
    bob.person.mendNetwork()
    await bob.page.reload()
    for (const room of [ann, bob]) await expect.poll(() => room.texts(), { timeout: 15_000 }).toEqual(['one', 'two'])
    await bob.page.reload()
    await expect.poll(() => bob.texts(), { timeout: 15_000 }).toEqual(['one', 'two'])
    ann.person.hasNoTroubles()
  })

  it('[G7] a restart of the server: nobody has to do anything', async () => {
    const [ann, bob] = await both('restart')
    await ann.say('before')
    await bob.sees('before')
    await bob.field.fill('half a sent')
    await commons.restart()
    await bob.field.press('End')
    expect(await bob.field.inputValue()).toBe('half a sent')
    await bob.say('during')
    await expect.poll(() => ann.texts(), { timeout: 30_000 }).toEqual(['before', 'during'])
    await ann.person.isOnline()
  })

  it('what was not read is marked, in the list and in the room', async () => {
    // An account of her own: what other tests left unread is on the lists of theirs.
    const [ann, bob] = await Promise.all([inRoom('Nora', 'lobby'), inRoom('Bob', 'news')])
    // A room that was opened is on her list; what happens in it while she looks is read.
    await ann.say('first')
    await ann.act('first', /thumbs up/)
    await ann.page.getByRole('button', { name: '👍, 1 person' }).waitFor()
    await ann.page.goto('/rooms/news')
    await ann.page.getByRole('link', { name: /^lobby \d/ }).waitFor()
    await bob.say('old')
    await ann.sees('old')
    await ann.page.getByRole('link', { name: /^lobby/ }).click()
    await ann.page.getByRole('heading', { name: 'lobby' }).waitFor()
    await bob.say('new')
    await ann.page.getByRole('link', { name: /news Unread messages/ }).click()
    await ann.sees('new')
    await ann.log.getByText('New', { exact: true }).waitFor()
    await expect.poll(() => ann.page.getByRole('link', { name: /Unread messages/ }).count()).toBe(0)
  })

  it('guests and members share one lobby; a room for members says so to a guest, who can sign in', async () => {
    const [ann, gus] = await Promise.all([inRoom('Ann', 'lobby'), inRoom('Gus', 'lobby', { guest: true })])
    await ann.say('welcome, guests')
    await gus.sees('welcome, guests')
    await gus.say('thank you')
    await ann.message('thank you').getByText('Guest', { exact: true }).waitFor()
    await ann.members.filter({ hasText: /Gus.*guest/ }).waitFor()

    await ann.page.getByRole('button', { name: 'New room' }).click()
    await ann.page.getByLabel('Name').fill('staff')
    await ann.page.getByRole('radio', { name: 'Members only' }).click()
    await ann.page.getByRole('button', { name: 'Create room' }).click()
    await ann.page.getByRole('heading', { name: 'staff' }).waitFor()
    await ann.say('only us')
    await ann.sees('only us')
    await gus.page.goto(new URL(ann.page.url()).pathname)
    await gus.page.getByRole('heading', { name: '#staff is for members' }).waitFor()
    expect(await accessibilityProblemsInBothThemes(gus.page)).toEqual([])
    expect(await gus.page.getByRole('textbox').count()).toBe(0)
    await gus.page.getByRole('button', { name: 'Sign in or sign up' }).click()
    await gus.page.getByRole('tab', { name: 'Sign up' }).click()
    await gus.page.getByLabel('Name').fill('Gus the member')
    await gus.page.getByLabel('Password').fill(PASSWORD)
    await gus.page.getByRole('button', { name: 'Create account' }).click()
    await gus.sees('only us')
    for (const { person } of [ann, gus]) person.hasNoTroubles()
  })

  it('rooms of features lead to their page, and addresses that are none are not found', async () => {
    const ann = await commons.person('Ann', { path: '/rooms/market' })
    const { page } = ann
    await page.getByRole('heading', { name: '#market isn’t a chat room' }).waitFor()
    expect(await page.getByRole('textbox').count()).toBe(0)
    await page.getByRole('link', { name: 'Open Market' }).click()
    await page.getByRole('heading', { name: 'Market', level: 1 }).waitFor()
    for (const path of [
      '/rooms/%E0%A4%A',
      '/messages/%',
      '/documents/%E0',
      '/rooms/a/b',
      '/tasks/nothing',
      '/shop/x',
    ]) {
      await page.goto(path)
      await page.getByRole('heading', { name: 'Page not found', level: 1 }).waitFor()
    }
    // Names are decoded once: this one looks like an encoded letter.
    await page.goto(`/rooms/${encodeURIComponent('100%41')}`)
    await page.getByRole('heading', { name: '100%41', level: 1 }).waitFor()
    await page.getByRole('textbox', { name: 'Message #100%41' }).waitFor()
    ann.hasNoTroubles()
  })

  it('a draft, the list of rooms and what was read survive a reload, and are the same on another device', async () => {
    const [ann, bob] = await Promise.all([inRoom('Dora', 'lobby'), inRoom('Bob', 'devices')])
    await ann.page.goto('/rooms/devices') // with the lobby on her list
    await bob.say('one')
    await ann.sees('one')
    await ann.field.fill('half a thought')
    await ann.page.reload()
    await expect.poll(() => ann.field.inputValue()).toBe('half a thought')
    await ann.field.fill('')
    const phone = await commons.person('Dora', { path: '/rooms', phone: true })
    await phone.page.getByRole('link', { name: /^devices/ }).waitFor()
    expect(await phone.page.getByRole('link', { name: /devices.*Unread/ }).count()).toBe(0)
    await ann.page.getByRole('link', { name: /^lobby/ }).click()
    await bob.say('two')
    await phone.page.getByRole('link', { name: /devices.*Unread/ }).waitFor()
    await ann.page.getByRole('link', { name: /devices.*Unread/ }).click()
    await ann.sees('two')
    await expect.poll(() => phone.page.getByRole('link', { name: /devices.*Unread/ }).count()).toBe(0)
    await bob.say('three')
    await ann.sees('three')
    await ann.page.close({ runBeforeUnload: true }) // at once: the mark goes out before the page does
    await phone.page.reload()
    await phone.page.getByRole('link', { name: /^devices \d/ }).waitFor()
    for (const person of [ann.person, bob.person, phone]) person.hasNoTroubles()
  })

  it('guests talk in the same rooms; with clocks an hour wrong, order and time are the server’s', async () => {
    const [zoe, maryam] = await Promise.all([
      inRoom('Zoë 👩‍🚀', 'clocks', { guest: true, clockOffMs: HOUR_MS }),
      inRoom('مريم', 'clocks', { guest: true, clockOffMs: -HOUR_MS }),
    ])
    await zoe.say('one')
    await maryam.sees('one')
    await maryam.say('שתיים')
    await zoe.message('שתיים').getByText('مريم', { exact: true }).waitFor()
    await zoe.person.cutNetwork()
    await zoe.say('three')
    await zoe.message('three').getByText('Sending…').waitFor()
    expect(await zoe.texts()).toEqual(['one', 'שתיים', 'three'])
    await maryam.say('four')
    zoe.person.mendNetwork()
    for (const room of [zoe, maryam]) {
      await expect.poll(() => room.texts(), { timeout: 15_000 }).toEqual(['one', 'שתיים', 'four', 'three'])
      const times = await room.log
        .locator('time')
        .evaluateAll((all) => all.map((each) => each.getAttribute('datetime')))
      expect(times.length).toBeGreaterThan(1)
      for (const time of times) expect(Math.abs(Date.parse(time ?? '') - Date.now())).toBeLessThan(HOUR_MS / 2)
      room.person.hasNoTroubles()
    }
  })

  it('5,000 messages and 300 members stay light, and the past comes by scrolling', async () => {
    const writer = program('writer', 200)
    const crowd = writer.room('crowd')
    for (let first = 1; first <= 5_000; first += 500) {
      await Promise.all(Array.from({ length: 500 }, (_, i) => crowd.send(`message ${first + i}`)))
    }
    await Promise.all(Array.from({ length: 300 }, (_, i) => program(`member ${i}`).room('crowd').ready))
    const ann = await inRoom('Ann', 'crowd')
    await ann.sees('message 5000')
    await ann.page.getByRole('heading', { name: /^Members 302/ }).waitFor()
    await crowd.send('one more')
    await ann.sees('one more')
    await ann.log.hover()
    const firstShown = async (): Promise<number> => {
      await ann.page.mouse.wheel(0, -3_000)
      return Number(/\d+/.exec((await ann.texts())[0] ?? '')?.[0])
    }
    await expect.poll(firstShown, { timeout: 60_000 }).toBeLessThan(4_500)
    expect(await ann.page.getByRole('article').count()).toBeLessThan(100)
    await crowd.send('far below')
    await ann.page.getByRole('button', { name: 'New messages' }).click()
    await ann.sees('far below')
    ann.person.hasNoTroubles()
  }, 120_000)

  it('by the keyboard alone: a room is opened, talked in, looked around in and left, and the focus is never lost', async () => {
    const ann = new RoomPage(await commons.person('Ann', { path: '/rooms', phone: true }))
    const { page, person } = ann
    const press = (key: string): Promise<void> => page.keyboard.press(key)
    const hasFocus = (target: Locator): Promise<void> => target.and(page.locator(':focus')).waitFor()
    const button = (name: string | RegExp): Locator => page.getByRole('button', { name })
    const menu = async (text: string): Promise<void> => {
      const more = ann.message(text).getByRole('button', { name: /^Actions for message/ })
      await person.tabTo(more)
      await press('Enter')
      await hasFocus(page.getByRole('menuitem', { name: 'React with thumbs up' }))
    }

    await person.tabTo(button('New room'))
    await press('Enter')
    await hasFocus(page.getByLabel('Name'))
    await press('Escape')
    await hasFocus(button('New room'))
    await press('Enter')
    await hasFocus(page.getByLabel('Name'))
    await page.keyboard.type('keys:')
    await press('Enter')
    await page.getByText('Names can’t contain colons').waitFor()
    await hasFocus(page.getByLabel('Name'))
    await press('Backspace')
    await press('Enter')
    await page.getByRole('heading', { name: 'keys' }).waitFor()
    await hasFocus(page.getByRole('link', { name: 'All rooms' })) // beside what had it, which a phone shows no more

    await person.tabTo(ann.field)
    await page.keyboard.type('helo')
    await press('Enter')
    await ann.sees('helo')
    await menu('helo')
    await press('Enter')
    await ann.message('helo').getByRole('button', { name: '👍, 1 person' }).waitFor()
    await person.tabTo(ann.field)
    await press('ArrowUp')
    await expect.poll(() => ann.field.inputValue()).toBe('helo')
    await press('Backspace')
    await page.keyboard.type('lo')
    await press('Enter')
    await ann.sees('hello')
    await hasFocus(ann.field)
    await page.keyboard.type('a slip')
    await press('Enter')
    await ann.sees('a slip')
    await menu('a slip')
    await press('ArrowUp') // from the first to the last
    await hasFocus(page.getByRole('menuitem', { name: 'Delete' }))
    await press('Enter')
    const asked = page.getByRole('dialog', { name: 'Delete this message?' })
    await person.tabTo(asked.getByRole('button', { name: 'Delete' }))
    await press('Enter')
    await page.getByText('This message was deleted').waitFor()
    await page.locator('main :focus').waitFor() // the button that had it is no more

    await person.tabTo(button(/show list/))
    await press('Enter')
    await hasFocus(page.getByRole('dialog', { name: 'Members' }).getByRole('button', { name: 'Close' }))
    await press('Escape')
    await hasFocus(button(/show list/))
    await person.tabTo(button('Room actions'))
    await press('Enter')
    await hasFocus(page.getByRole('menuitem', { name: 'Leave room' }))
    await press('Enter')
    await hasFocus(button('New room'))
    person.hasNoTroubles()
  })

  it.each<[string, PersonOptions]>([
    ['light, at a desk', {}],
    ['dark, on a phone', { dark: true, phone: true }],
  ])('is accessible: %s', async (name, options) => {
    const ann = await inRoom('Ann', `access ${name}`, options)
    await ann.say('Have a look at https://example.org')
    await ann.sees('Have a look')
    expect(await accessibilityProblems(ann.page)).toEqual([])
    await ann.act('Have a look', /heart/)
    await ann.page.getByRole('button', { name: /❤️, 1/ }).waitFor()
    expect(await accessibilityProblems(ann.page)).toEqual([])
    if (options.phone) {
      await ann.page.getByRole('link', { name: 'All rooms' }).click()
      await ann.page.getByRole('heading', { name: 'Rooms', exact: true }).waitFor()
      expect(await accessibilityProblemsInBothThemes(ann.page)).toEqual([])
    }
    ann.person.hasNoTroubles()
  })
})
