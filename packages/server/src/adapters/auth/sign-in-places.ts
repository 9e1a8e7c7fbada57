/**
 * Places where an account has signed in before: addresses, and devices, which identify themselves by a secret. Password
 * guesses from elsewhere cannot lock these out. They are stored as keyed hashes, so that the file reveals no addresses.
 */
import { createHmac } from 'node:crypto'
import type { AccountStore } from '../../core/ports/accounts.ts'

const HASH_BYTES = 16

/** Where a sign-in comes from. */
export interface SignInFrom {
  /** The key by which attempts are counted; undefined is not counted (this machine). */
  readonly address: string | undefined
  /** The random string that the client keeps; long, so that it cannot be guessed. */
  readonly device: string | undefined
}

/** The places of all accounts. */
export class SignInPlaces {
  private readonly store: AccountStore
  private readonly secret: Uint8Array

  constructor(store: AccountStore, secret: Uint8Array) {
    this.store = store
    this.secret = secret
  }

  /** @returns the kind and an id of a place where the account has signed in; undefined for a new place */
  async find(
    sub: string,
    { address, device }: SignInFrom,
  ): Promise<{ kind: 'device' | 'address'; id: string } | undefined> {
    for (const [kind, value] of [['device', device] as const, ['address', address] as const]) {
      if (value === undefined) continue
      const place = this.hash(sub, kind, value)
      if (await this.store.isKnownPlace(sub, place)) return { kind, id: place.toString('hex') }
    }
    return undefined
  }

  /** Remembers a place. Errors are ignored: with a full disk the place is unknown next time, and signing in still works. */
  async remember(sub: string, { address, device }: SignInFrom): Promise<void> {
    try {
      if (device !== undefined) await this.store.rememberPlace(sub, this.hash(sub, 'device', device))
      if (address !== undefined) await this.store.rememberPlace(sub, this.hash(sub, 'address', address))
    } catch {
      // UNAVAILABLE: the place is not remembered
    }
  }

  private hash(sub: string, kind: 'device' | 'address', value: string): Buffer {
    return createHmac('sha256', this.secret)
      .update(JSON.stringify([sub, kind, value]))
      .digest()
      .subarray(0, HASH_BYTES)
  }
}
