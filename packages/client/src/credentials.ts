/**
 * Who we say we are, and getting new proof of it: one call of the application's callback at a time, however many ask, and
 * none while the token we have is not known to be bad.
 */
import type { Credentials as WireCredentials } from '@roomful/protocol'

/** Why a token is asked for: to connect at all, because the one we have ends soon, because the server refused it. */
export type TokenReason = 'connect' | 'expiring' | 'refused'

export type TokenSource = string | ((reason: TokenReason) => string | undefined | Promise<string | undefined>)

export interface CredentialsOptions {
  /** A token, or what gets one. The callback's is kept until it ends or is refused. */
  token?: TokenSource
  /** Gets a ticket for single use, in place of a token. */
  ticket?: () => string | Promise<string>
  /** The name that a guest wishes. */
  name?: string
}

/** What is undefined is not sent. */
type Proof = { [Field in keyof WireCredentials]: WireCredentials[Field] | undefined }

export class Credentials {
  readonly #options: CredentialsOptions
  #known: string | undefined
  #wanted: TokenReason = 'connect'
  #renewal: Promise<string | undefined> | undefined

  constructor(options: CredentialsOptions) {
    this.#options = options
    if (typeof options.token === 'string') this.#known = options.token
  }

  /** Others than those that were refused can be had. */
  get canRenew(): boolean {
    return typeof this.#options.token === 'function' || this.#options.ticket !== undefined
  }

  /** What to open a channel with. @throws what the application's callback throws */
  async forOpening(): Promise<Proof> {
    const { ticket, name } = this.#options
    if (ticket) return { name, ticket: await ticket() }
    return { name, token: this.#known ?? (await this.#renew(this.#wanted)) }
  }

  /**
   * A fresher token than `token`, for the connection that is open with it; `undefined` when there is no way to get one. Another
   * namespace on the same link may have got it already. @throws as the callback
   */
  async forRefresh(token: string | undefined): Promise<string | undefined> {
    return this.#known === token ? this.#renew('expiring') : this.#known
  }

  /** The server did not take it. */
  refused(token: string | undefined): void {
    if (this.#known !== token) return // what we have by now is another one
    if (this.canRenew) this.#known = undefined
    this.#wanted = 'refused'
  }

  #renew(reason: TokenReason): Promise<string | undefined> {
    const { token } = this.#options
    if (typeof token !== 'function') return Promise.resolve(undefined)
    this.#renewal ??= (async () => {
      try {
        this.#known = await token(reason)
        this.#wanted = 'connect'
        return this.#known
      } finally {
        this.#renewal = undefined
      }
    })()
    return this.#renewal
  }
}
