/** Commons as its people use it: the real server with the built web app, and any number of people in browsers of their own. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { ROOT } from '../../outside/lib/node.ts'
import { Server, UNLIMITED } from '../../outside/lib/server.ts'
import { launchChromium } from './chromium.ts'
import { Person, type PersonOptions } from './person.ts'

/** For `beforeAll`: the first one builds the web app. */
export const OPENING_MS = 180_000

export interface CommonsOptions {
  readonly env?: Record<string, string>
}

export class Commons {
  readonly browser: Browser
  server: Server
  private readonly people: Person[] = []

  private constructor(browser: Browser, server: Server) {
    this.browser = browser
    this.server = server
  }

  /** Builds the web app when it is stale, as `npm start` does. No limits but those that `env` sets. */
  static async open({ env = {} }: CommonsOptions = {}): Promise<Commons> {
    buildWebApp()
    const [browser, server] = await Promise.all([launchChromium(), Server.start({ env: { ...UNLIMITED, ...env } })])
    return new Commons(browser, server)
  }

  /** Somebody with an account, or a guest, in a browser of their own, at `/` and connected. */
  async person(name: string, options: PersonOptions = {}): Promise<Person> {
    const person = await Person.open(this, name, options)
    this.people.push(person)
    return person
  }

  /** Ends the server and starts it again on the same port and data. */
  async restart(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    const { port, data } = this.server
    await this.server[how]()
    this.server = await Server.start({ port, data, env: UNLIMITED })
  }

  /** For `afterEach`: everyone goes home. */
  async everyoneLeaves(): Promise<void> {
    for (const person of this.people.splice(0)) await person.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.everyoneLeaves()
    await this.browser.close()
    await this.server.dispose()
  }
}

function buildWebApp(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/setup.mjs'), '--web'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (status !== 0) throw new Error(`The web app could not be built:\n${stderr}`)
}
