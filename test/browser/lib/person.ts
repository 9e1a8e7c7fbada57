/** One person in a browser of their own: signed in, on a network that can be cut, with everything that went wrong noted. */
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { CuttableProxy } from '../../outside/lib/proxy.ts'
import { seriousTroublesOf } from './chromium.ts'
import type { Commons } from './commons.ts'

export interface PersonOptions {
  /** Nobody yet: the door is shown. */
  readonly signedOut?: boolean
  /** Without an account, in `/public`. */
  readonly guest?: boolean
  /** Of an account that was there before. Default {@link PASSWORD}. */
  readonly password?: string
  /** A phone instead of a desk. */
  readonly phone?: boolean
  readonly dark?: boolean
  /** Sees what moves. Everyone else asks for reduced motion, which a test need not wait for. */
  readonly moving?: boolean
  /** By how much the browser's clock is wrong. */
  readonly clockOffMs?: number
  /** In a browser without shared workers: one of the tabs has the connection, and the driver sees its WebSocket. */
  readonly withoutWorkers?: boolean
  /** Where to begin. Default `/`. */
  readonly path?: string
}

export const PASSWORD = 'a long enough password'
const DESK = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 780 }
/** What a browser logs of its own accord when a connection is cut or refused. */
const OF_THE_NETWORK =
  /ERR_(INTERNET_DISCONNECTED|CONNECTION_|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|SOCKET_)|^WebSocket connection to .* failed/
/** More than any page has to operate. */
const TABS = 80

export class Person {
  readonly name: string
  readonly page: Page
  readonly context: BrowserContext
  /** Uncaught errors, dialogs, and errors on the console. */
  readonly troubles: string[]
  private readonly network: CuttableProxy

  private constructor(name: string, page: Page, network: CuttableProxy) {
    this.name = name
    this.page = page
    this.context = page.context()
    this.troubles = seriousTroublesOf(page)
    this.network = network
  }

  static async open(commons: Commons, name: string, options: PersonOptions): Promise<Person> {
    const {
      signedOut = false,
      guest = false,
      phone = false,
      dark = false,
      path = '/',
      password,
      moving,
      clockOffMs,
      withoutWorkers = false,
    } = options
    const network = await CuttableProxy.open(commons.server.port)
    const context = await commons.browser.newContext({
      baseURL: `http://127.0.0.1:${network.port}`,
      viewport: phone ? PHONE : DESK,
      isMobile: phone,
      hasTouch: phone,
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: moving ? 'no-preference' : 'reduce',
    })
    if (clockOffMs !== undefined) await context.clock.install({ time: Date.now() + clockOffMs })
    if (withoutWorkers) await context.addInitScript(() => Reflect.deleteProperty(globalThis, 'SharedWorker'))
    if (!signedOut) {
      const session = guest ? { kind: 'guest', name } : await commons.session(name, password)
      // Only where nothing is kept yet, so that signing out holds across a reload.
      await context.addInitScript((text) => {
        if (sessionStorage.getItem('began')) return
        sessionStorage.setItem('began', 'yes')
        localStorage.setItem('commons.session', text)
      }, JSON.stringify(session))
    }
    const person = new Person(name, await context.newPage(), network)
    await person.page.goto(path)
    if (!signedOut) await person.isOnline()
    return person
  }

  /** A second tab of the same browser. */
  async anotherTab(path = '/'): Promise<Page> {
    const page = await this.context.newPage()
    seriousTroublesOf(page, this.troubles)
    await page.goto(path)
    return page
  }

  /** By the keyboard alone, from wherever the focus is. */
  async tabTo(target: Locator): Promise<void> {
    for (let tabs = 0; tabs < TABS; tabs++) {
      if (await target.evaluate((element) => element === document.activeElement)) return
      await this.page.keyboard.press('Tab')
    }
    throw new Error(`The keyboard does not reach ${target}`)
  }

  /** By the badge that is always on the screen. */
  async isOnline(): Promise<void> {
    await this.page.locator('[data-connection="open"]:visible').waitFor()
  }

  /** The cable is pulled: what is open breaks, and the browser knows. */
  async goOffline(): Promise<void> {
    await this.context.setOffline(true)
    await this.cutNetwork()
  }

  /** As {@link goOffline}, somewhere on the way where the browser does not notice. */
  async cutNetwork(): Promise<void> {
    this.network.cut()
    await this.page.locator('[data-connection]:not([data-connection="open"]):visible').waitFor()
  }

  mendNetwork(): void {
    this.network.mend()
  }

  /** What is sent from now on arrives when the network is let go. */
  holdNetwork(): void {
    this.network.freeze()
  }

  releaseNetwork(): void {
    this.network.thaw()
  }

  async comeBack(): Promise<void> {
    this.network.mend()
    await this.context.setOffline(false)
    await this.isOnline()
  }

  /** Nothing went wrong since the beginning, but for requests that an absent network failed. */
  hasNoTroubles(): void {
    expect(this.troubles.filter((trouble) => !OF_THE_NETWORK.test(trouble))).toEqual([])
  }

  async close(): Promise<void> {
    await this.context.close()
    await this.network.close()
  }
}
