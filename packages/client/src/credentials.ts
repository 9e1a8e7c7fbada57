/**
 * The credentials of a client, and their renewal: one call of the application's callback at a time, whatever the number of
 * connections that need a token, and none while the current token may still be good.
 */
import type { Credentials as WireCredentials } from '@roomful/protocol'

/** Why a token is needed: to connect, because the current one expires soon, or because the server refused it. */
export type TokenReason = 'connect' | 'expiring' | 'refused'

/** A token, or a callback that fetches one; `undefined` from it means a guest. */
export type TokenSource = string | ((reason: TokenReason) => string | undefined | Promise<string | undefined>)

/** How a client authenticates. Without a token or ticket it is a guest. */
export interface CredentialsOptions {
  /** A JWT, or a callback that fetches one. Its result is kept until it expires or the server refuses it. */
  token?: TokenSource
  /** Fetches a ticket for single use, instead of a token. */
  ticket?: () => string | Promise<string>
  /** The name that a guest asks for. */
  name?: string
}

/** Fields that are undefined are not sent. */
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

  /** The application can provide other credentials than the refused ones. */
  get canRenew(): boolean {
    return typeof this.#options.token === 'function' || this.#options.ticket !== undefined
  }

  /**
   * @returns the credentials to open a channel with
   * @throws what the application's callback throws
   */
  async forOpening(): Promise<Proof> {
    const { ticket, name } = this.#options
    if (ticket) return { name, ticket: await ticket() }
    return { name, token: this.#known ?? (await this.#renew(this.#wanted)) }
  }

  /**
   * @param token of the open connection
   * @returns a newer token, which another namespace on the same link may have fetched already; `undefined` when there is none
   * @throws what the application's callback throws
   */
  async forRefresh(token: string | undefined): Promise<string | undefined> {
    return this.#known === token ? this.#renew('expiring') : this.#known
  }

  /** The server refused it. */
  refused(token: string | undefined): void {
    if (this.#known !== token) return // there is another one by now
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
