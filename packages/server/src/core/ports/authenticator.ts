/** Who is this? Tokens, tickets and guests are an adapter's business; the core knows users. */
import type { Credentials } from '@roomful/protocol'
import type { User } from './user.ts'

export interface Authenticator {
  /**
   * @param credentials with a token or a ticket
   * @param stream names what reconnects by itself with the very same request: a ticket used for it stays good for it
   * @throws RoomfulError TOKEN_INVALID, TOKEN_EXPIRED, USER_UNKNOWN, BANNED, UNAVAILABLE
   */
  authenticate(credentials: Credentials, stream?: string): Promise<Identity>
}

export interface Identity {
  user: User
  /** When the token stops being good, ms since 1970. */
  expiresAt: number | undefined
}
