/** Who a connection belongs to: the `sub` of a token, or a guest. Presence counts users. */
export interface User {
  /** At most 128 bytes; `guest:<random>` for guests. */
  readonly sub: string
  readonly name: string
  readonly role: string
  readonly guest?: boolean
  /** Other claims of the token. */
  readonly [claim: string]: unknown
}

export const USER_ID_MAX_BYTES = 128
