/**
 * The accounts of several nodes. What is decided of one is written down together with an entry in a list of changes, which
 * every node reads from where it was: so a ban or a role also reaches a node that was cut off, or stood still.
 *   <prefix>of:<sub> hash       name, login, password, role, banned, reason, created
 *   <prefix>logins hash         login -> sub
 *   <prefix>ids, banned zset    ids of accounts, and of the banned ones, in order
 *   <prefix>places:<sub> zset   where the account has signed in -> when
 *   <prefix>changes stream      ids of changed accounts
 */
import { Buffer } from 'node:buffer'
import { RoomfulError } from '../../../core/base/errors.ts'
import { nameKey } from '../../../core/base/names.ts'
import type { AccountStore, LoginAccount, StoredAccount } from '../../../core/ports/accounts.ts'
import type { Clock } from '../../../core/ports/system.ts'
import type { Account, AccountPage, AccountQuestion, ListedAccount, User } from '../../../core/ports/users.ts'
import { AccountChangesFeed } from './account-changes-feed.ts'
import { clusterNames, DEFAULT_PREFIX } from './names.ts'
import { SingleCommands } from './single-commands.ts'

export interface RedisAccountsOptions {
  readonly url: string
  /** Before every key, as that of the broker. */
  readonly prefix?: string | undefined
  readonly clock: Clock
  /** Fewer, for tests. */
  readonly changesMax?: number
}

const PLACES_MAX = 20
const PLACE_KEPT_MS = 90 * 86_400_000
/** A place that was seen since then is not written again. */
const PLACE_FRESH_MS = 86_400_000
/** Accounts that a node which was away may find changed; if there were more, it asks for each that is connected. */
const CHANGES_MAX = 10_000
/** Accounts that one call looks at, and calls of one search: above that it says where it stopped. */
const SCAN_PAGE = 500
const SCAN_CALLS = 20
const RETRY_MS = 1_000

const FIELDS = ['name', 'role', 'banned', 'reason', 'login', 'password', 'created']
const READ = `redis.call('HMGET', R .. 'of:' .. sub, ${FIELDS.map((field) => `'${field}'`).join(', ')})`
const ARGUMENTS = 'local R, sub = KEYS[1], ARGV[1]'

const FIND_LOGIN = `local R = KEYS[1]
local sub = redis.call('HGET', R .. 'logins', ARGV[1])
if not sub then return false end
return { sub, ${READ} }`

// The same attempt may be sent twice, so one whose login stands for this very account has succeeded.
const CREATE = `${ARGUMENTS}
local login = ARGV[2]
local holder = login ~= '' and redis.call('HGET', R .. 'logins', login)
if holder then return holder == sub and 1 or 0 end
if redis.call('EXISTS', R .. 'of:' .. sub) == 1 then return 0 end
redis.call('HSET', R .. 'of:' .. sub, 'name', ARGV[3], 'created', ARGV[4])
if login ~= '' then
  redis.call('HSET', R .. 'of:' .. sub, 'login', login, 'password', ARGV[5])
  redis.call('HSET', R .. 'logins', login, sub)
end
redis.call('ZADD', R .. 'ids', 0, sub)
return 1`

// A full Redis must not keep anyone from being banned.
const change = (what: string) => `#!lua flags=allow-oom
${ARGUMENTS}
local account = R .. 'of:' .. sub
if redis.call('EXISTS', account) == 0 then return '' end
${what}
return redis.call('XADD', R .. 'changes', 'MAXLEN', ARGV[2], '*', 'sub', sub)`

const BAN = change(`redis.call('HDEL', account, 'reason')
if ARGV[3] == '1' then
  redis.call('HSET', account, 'banned', '1')
  if ARGV[4] then redis.call('HSET', account, 'reason', ARGV[4]) end
  redis.call('ZADD', R .. 'banned', 0, sub)
else
  redis.call('HDEL', account, 'banned')
  redis.call('ZREM', R .. 'banned', sub)
end`)

const SET_ROLE = change(
  `if ARGV[3] then redis.call('HSET', account, 'role', ARGV[3]) else redis.call('HDEL', account, 'role') end`,
)

const ERASE = `#!lua flags=allow-oom
${ARGUMENTS}
local account = R .. 'of:' .. sub
if redis.call('EXISTS', account) == 0 then return '' end
local login = redis.call('HGET', account, 'login')
if login then redis.call('HDEL', R .. 'logins', login) end
redis.call('DEL', R .. 'places:' .. sub)
if redis.call('HEXISTS', account, 'banned') == 1 then
  redis.call('HDEL', account, 'login', 'password', 'role')
  redis.call('HSET', account, 'name', sub)
else
  redis.call('DEL', account)
  redis.call('ZREM', R .. 'ids', sub)
end
return redis.call('XADD', R .. 'changes', 'MAXLEN', ARGV[2], '*', 'sub', sub)`

// ARGV: after, how many, how many to look at, search, the same as a login, 1 for the banned and 0 for the others.
// @returns 1 when nothing is left behind them, the last one that was looked at, then the accounts
const LIST = `local R, after, limit, most = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local search, key, banned = string.lower(ARGV[4]), ARGV[5], ARGV[6]
local from = after == '' and '-' or '(' .. after
local subs = redis.call('ZRANGEBYLEX', R .. (banned == '1' and 'banned' or 'ids'), from, '+', 'LIMIT', 0, most)
local function is_in(text, part) return text and string.find(text, part, 1, true) end
local reply = { 0, after }
for _, sub in ipairs(subs) do
  if #reply - 2 == 2 * limit then return reply end
  reply[2] = sub
  local account = ${READ}
  local name = string.lower(account[1] or '')
  local fits = search == '' or sub == ARGV[4] or is_in(name, search) or is_in(account[5], key)
  if account[1] and fits and (banned ~= '0' or not account[3]) then
    reply[#reply + 1] = sub
    reply[#reply + 1] = account
  end
end
if #subs < most then reply[1] = 1 end
return reply`

const REMEMBER = `${ARGUMENTS}
local places = R .. 'places:' .. sub
local last = redis.call('ZSCORE', places, ARGV[2])
if last and tonumber(last) > tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', places, ARGV[3], ARGV[2])
redis.call('ZREMRANGEBYSCORE', places, '-inf', '(' .. ARGV[5])
redis.call('ZREMRANGEBYRANK', places, 0, -${PLACES_MAX + 1})
return redis.call('PEXPIRE', places, ${PLACE_KEPT_MS})`

type Fields = readonly (string | null)[]

export class RedisAccounts implements AccountStore {
  readonly feed: AccountChangesFeed
  private readonly clock: Clock
  private readonly key: string
  private readonly changesMax: string
  private readonly commands: SingleCommands

  constructor({ url, prefix = DEFAULT_PREFIX, clock, changesMax = CHANGES_MAX }: RedisAccountsOptions) {
    this.clock = clock
    this.key = clusterNames(prefix).accounts
    this.changesMax = String(changesMax)
    this.commands = new SingleCommands(url, this.key, clock)
    this.feed = new AccountChangesFeed({ commands: this.commands, key: `${this.key}changes`, clock, changesMax })
  }

  async find(sub: string): Promise<StoredAccount | undefined> {
    return toAccount(sub, await this.ask(['HMGET', `${this.key}of:${sub}`, ...FIELDS]))
  }

  async findLogin(login: string): Promise<LoginAccount | undefined> {
    const found = await this.run<[string, Fields] | null>(FIND_LOGIN, [login])
    const account = found && toAccount(...found)
    return account ? { ...account, login, password: found[1][5] ?? '' } : undefined
  }

  async ensure({ sub, name }: User): Promise<Account> {
    const known = await this.find(sub)
    if (known) return known
    await this.run(CREATE, [sub, '', name, String(this.clock.now())])
    // Another node may have created it meanwhile, and an administrator judged it.
    return (await this.find(sub)) ?? { sub, name, role: undefined, banned: false, banReason: undefined }
  }

  async create({ sub, name, login, password }: Parameters<AccountStore['create']>[0]): Promise<boolean> {
    return (await this.run<number>(CREATE, [sub, login, name, String(this.clock.now()), password])) === 1
  }

  async list({ search, isBanned, after, limit }: AccountQuestion): Promise<AccountPage> {
    const accounts: ListedAccount[] = []
    const wanted = [search, nameKey(search), isBanned === undefined ? '' : isBanned ? '1' : '0']
    let at = after
    for (let call = 0; call < SCAN_CALLS; call++) {
      const left = limit - accounts.length
      const [isEnd, last, ...found] = await this.run<[number, string, ...(string | Fields)[]]>(LIST, [
        ...[at, String(left), String(SCAN_PAGE), ...wanted],
      ])
      at = last
      for (let i = 0; i < found.length; i += 2) accounts.push(toListed(found[i] as string, found[i + 1] as Fields))
      if (isEnd === 1 || accounts.length >= limit) return { accounts, stoppedAt: undefined }
    }
    return { accounts, stoppedAt: at }
  }

  async setBanned(sub: string, banned: boolean, reason?: string): Promise<void> {
    const why = banned && reason !== undefined ? [reason] : []
    await this.change(BAN, [sub, this.changesMax, banned ? '1' : '0', ...why])
  }

  async setRole(sub: string, role: string | undefined): Promise<void> {
    await this.change(SET_ROLE, [sub, this.changesMax, ...(role === undefined ? [] : [role])])
  }

  async erase(sub: string): Promise<boolean> {
    const id = await this.run<string>(ERASE, [sub, this.changesMax])
    if (id !== '') this.feed.ignore(id)
    return id !== ''
  }

  async isKnownPlace(sub: string, place: Uint8Array): Promise<boolean> {
    const lastAt = await this.ask<string | number | null>(['ZSCORE', `${this.key}places:${sub}`, textOf(place)])
    return lastAt !== null && Number(lastAt) > this.clock.now() - PLACE_KEPT_MS
  }

  async rememberPlace(sub: string, place: Uint8Array): Promise<void> {
    const now = this.clock.now()
    const moments = [now, now - PLACE_FRESH_MS, now - PLACE_KEPT_MS].map(String)
    await this.run(REMEMBER, [sub, textOf(place), ...moments])
  }

  close(): void {
    this.feed.close()
    this.commands.close()
  }

  /** What this node changes itself it has seen to already. */
  private async change(script: string, args: readonly string[]): Promise<void> {
    const id = await this.run<string>(script, args)
    if (id !== '') this.feed.ignore(id)
  }

  private run<T>(script: string, args: readonly string[]): Promise<T> {
    return this.ask(['EVAL', script, '1', this.key, ...args])
  }

  private async ask<T>(command: readonly string[]): Promise<T> {
    try {
      return await this.commands.ask<T>(command)
    } catch (cause) {
      throw new RoomfulError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_MS, cause })
    }
  }
}

function toAccount(sub: string, [name, role, banned, reason, login]: Fields): StoredAccount | undefined {
  if (name === null || name === undefined) return undefined
  const judged = { role: role ?? undefined, banned: banned === '1', banReason: reason ?? undefined }
  return { sub, name, ...judged, login: login ?? undefined }
}

function toListed(sub: string, fields: Fields): ListedAccount {
  const { login: _, ...account } = toAccount(sub, fields) as StoredAccount
  return { ...account, createdAt: Number(fields[6]) }
}

function textOf(place: Uint8Array): string {
  return Buffer.from(place).toString('base64url')
}
