/**
 * Where an account has signed in before: an address, or a device that names itself by a secret of its own. Who guesses from
 * elsewhere cannot lock these out. Kept as keyed hashes, so that the file does not say where people were.
 */
import { createHmac } from 'node:crypto'
import type { UserStore } from './user-store.ts'

const HASH_BYTES = 16

export interface SignInFrom {
  /** Whose attempts are counted together; undefined is not counted (this machine). */
  readonly address: string | undefined
  /** What the client keeps and shows again: long and random, or it could be guessed. */
  readonly device: string | undefined
}

export class SignInPlaces {
  private readonly store: UserStore
  private readonly secret: Uint8Array

  constructor(store: UserStore, secret: Uint8Array) {
    this.store = store
    this.secret = secret
  }

  /** @returns how the account is known there, and a name for that place */
  find(sub: string, { address, device }: SignInFrom): { kind: 'device' | 'address'; id: string } | undefined {
    for (const [kind, value] of [['device', device] as const, ['address', address] as const]) {
      if (value === undefined) continue
      const place = this.hash(sub, kind, value)
      if (this.store.isKnownPlace(sub, place)) return { kind, id: place.toString('hex') }
    }
    return undefined
  }

  /** Signing in does not depend on it: a full disk only means that the place is not known the next time. */
  remember(sub: string, { address, device }: SignInFrom): void {
    try {
      if (device !== undefined) this.store.rememberPlace(sub, this.hash(sub, 'device', device))
      if (address !== undefined) this.store.rememberPlace(sub, this.hash(sub, 'address', address))
    } catch {
      // UNAVAILABLE
    }
  }

  private hash(sub: string, kind: 'device' | 'address', value: string): Buffer {
    return createHmac('sha256', this.secret)
      .update(JSON.stringify([sub, kind, value]))
      .digest()
      .subarray(0, HASH_BYTES)
  }
}
