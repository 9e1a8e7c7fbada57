import type { Clock } from '@roomful/server/ports'
import type { User, Users } from '@roomful/server/testing'

type Account = Awaited<ReturnType<Users['list']>>['accounts'][number]

/** The accounts of a test server, in memory: every user with a token has one. */
export class TestUsers implements Users {
  private readonly clock: Clock
  private readonly accounts = new Map<string, Account>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  async find(sub: string): Promise<Account | undefined> {
    return this.accounts.get(sub)
  }

  async ensure({ sub, name }: User): Promise<Account> {
    return this.accounts.get(sub) ?? this.change(sub, { name })
  }

  async list({ search, isBanned, after, limit }: Parameters<Users['list']>[0]): ReturnType<Users['list']> {
    const isWanted = ({ sub, name, banned }: Account): boolean =>
      sub > after && (sub === search || name.includes(search)) && (isBanned === undefined || banned === isBanned)
    const found = [...this.accounts.values()].filter(isWanted).sort((a, b) => (a.sub < b.sub ? -1 : 1))
    return { accounts: found.slice(0, limit), stoppedAt: undefined }
  }

  async setBanned(sub: string, banned: boolean, reason?: string): Promise<void> {
    this.change(sub, { banned, banReason: banned ? reason : undefined })
  }

  async setRole(sub: string, role: string | undefined): Promise<void> {
    this.change(sub, { role })
  }

  async erase(sub: string): Promise<boolean> {
    const isBanned = this.accounts.get(sub)?.banned === true
    return isBanned ? this.change(sub, { name: sub, role: undefined }).banned : this.accounts.delete(sub)
  }

  private change(sub: string, changes: Partial<Account>): Account {
    const createdAt = this.clock.now()
    const made = { sub, name: sub, role: undefined, banned: false, banReason: undefined, createdAt }
    const account = { ...(this.accounts.get(sub) ?? made), ...changes }
    this.accounts.set(sub, account)
    return account
  }
}
