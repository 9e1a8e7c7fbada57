/** Commons as people use it: the real server with the built web app, and any number of people in browsers of their own. */
import type { Browser } from 'playwright-core'
import { RunningServer } from '../../outside/lib/running-server.ts'
import { Server, UNLIMITED } from '../../outside/lib/server.ts'
import { PASSWORD, Person, type PersonOptions } from './person.ts'
import { openChromium, openServer, restartServer } from './shared.ts'
import type { SharedServer } from './shared-servers.ts'
import { buildWebApp } from './web-app.ts'

/** For `beforeAll`: the first one builds the web app. */
export const OPENING_MS = 180_000

export interface CommonsOptions {
  /** A server for this file alone, because the file fills it or counts everything on it. */
  readonly alone?: boolean
  /** Settings of that server. */
  readonly env?: Readonly<Record<string, string>>
}

export class Commons {
  readonly browser: Browser
  server: RunningServer & SharedServer
  private readonly present: Person[] = []
  /** Of everyone who has an account, by name. */
  private readonly sessions = new Map<string, object>()

  private constructor(browser: Browser, server: RunningServer & SharedServer) {
    this.browser = browser
    this.server = server
  }

  static async open({ alone = false, env = {} }: CommonsOptions = {}): Promise<Commons> {
    if (alone) buildWebApp()
    const [browser, server] = await Promise.all([
      openChromium(),
      alone ? Server.start({ env: { ...UNLIMITED, ...env } }) : openServer(),
    ])
    return new Commons(browser, server)
  }

  /** Of a server that is started by the test, or of one node of several. */
  static at(browser: Browser, port: number): Commons {
    return new Commons(browser, Object.assign(new RunningServer(port), { output: '' }))
  }

  /** A user with an account, or a guest, in a browser of their own, connected at `options.path`. */
  async person(name: string, options: PersonOptions = {}): Promise<Person> {
    const person = await Person.open(this, name, options)
    this.present.push(person)
    return person
  }

  /** As {@link person}, several at once: each is busy for a second, and the machine has two cores. */
  async people<const Names extends readonly string[]>(
    names: Names,
    options: PersonOptions = {},
  ): Promise<{ -readonly [Index in keyof Names]: Person }> {
    const people = await Promise.all(names.map((name) => this.person(name, options)))
    return people as { -readonly [Index in keyof Names]: Person }
  }

  /** The stored session of a signed-in user; the account is created if there is none. */
  async session(name: string, password = PASSWORD): Promise<object> {
    const known = this.sessions.get(name)
    if (known !== undefined) return known
    const credentials = { username: name, password }
    let response = await this.server.post('/api/users', credentials)
    if (response.status === 409) response = await this.server.post('/api/session', credentials)
    if (!response.ok) throw new Error(`${name} cannot sign in: ${await response.text()}`)
    const session = { kind: 'user', ...((await response.json()) as object) }
    this.sessions.set(name, session)
    return session
  }

  /** Ends the server and starts it again on the same port and data. */
  async restart(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    if (!(this.server instanceof Server)) {
      this.server = await restartServer(how)
      return
    }
    const { port, data } = this.server
    await this.server[how]()
    this.server = await Server.start({ port, data, env: UNLIMITED })
  }

  /** For `afterEach`: closes everyone's browser. */
  async everyoneLeaves(): Promise<void> {
    await Promise.all(this.present.splice(0).map((person) => person.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.everyoneLeaves()
    await this.browser.close()
    if (this.server instanceof Server) await this.server.dispose()
  }
}
