/**
 * Tickets of several nodes: one that a node has issued is taken on any other, and only once, since Redis gives it and forgets
 * it in one step. Redis lets them expire. A3.4
 */
import { Buffer } from 'node:buffer'
import { RoomfulError } from '../../../core/base/errors.ts'
import type { Clock, Random } from '../../../core/ports/system.ts'
import type { Identity } from '../../../core/ports/users.ts'
import { DEFAULT_PREFIX } from './names.ts'
import { SingleCommands } from './single-commands.ts'

export interface RedisTicketsOptions {
  readonly url: string
  /** Before every key, as that of the broker. */
  readonly prefix?: string | undefined
  readonly clock: Clock
  readonly random: Random
}

const LIFETIME_MS = 30_000
const PER_USER = 16
const BOUND_PER_USER = 64
const BOUND_LIFETIME_MS = 24 * 3_600_000
const TICKET_LENGTH = 32
const RETRY_MS = 1_000
const FORM = /^t_[\w-]{1,64}$/

// A value begins with the length of the user's id, the end of the token and the id, so that a script need not read JSON.
const ISSUE = `
local R, ticket, value, sub = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
redis.call('SET', R .. ticket, value, 'PX', ARGV[4])
local list = R .. 'of:' .. sub
redis.call('RPUSH', list, ticket)
redis.call('PEXPIRE', list, ARGV[4])
if redis.call('LLEN', list) > tonumber(ARGV[5]) then redis.call('DEL', R .. redis.call('LPOP', list)) end
return 1`

// Of a stream the ticket stays, bound to that stream.
const REDEEM = `
local R, ticket, stream = KEYS[1], ARGV[1], ARGV[2]
local mark = #stream .. ' ' .. stream
if stream ~= '' then
  local bound = redis.call('GET', R .. 'bound:' .. ticket)
  if bound and string.sub(bound, 1, #mark) == mark then return string.sub(bound, #mark + 1) end
end
local value = redis.call('GETDEL', R .. ticket)
if not value then return false end
local size, ends, from = string.match(value, '^(%d+) (%d+) ()')
local sub = string.sub(value, from, from + size - 1)
redis.call('LREM', R .. 'of:' .. sub, 1, ticket)
if stream == '' then return value end
local ttl = tonumber(ARGV[3])
if tonumber(ends) > 0 then ttl = math.max(1, ends - ARGV[5]) end
redis.call('SET', R .. 'bound:' .. ticket, mark .. value, 'PX', ttl)
local list = R .. 'boundof:' .. sub
redis.call('RPUSH', list, ticket)
if redis.call('PTTL', list) < ttl then redis.call('PEXPIRE', list, ttl) end
if redis.call('LLEN', list) > tonumber(ARGV[4]) then redis.call('DEL', R .. 'bound:' .. redis.call('LPOP', list)) end
return value`

export class RedisTickets {
  private readonly clock: Clock
  private readonly random: Random
  private readonly key: string
  private readonly commands: SingleCommands

  constructor({ url, prefix, clock, random }: RedisTicketsOptions) {
    this.clock = clock
    this.random = random
    this.key = `{${prefix ?? DEFAULT_PREFIX}}:t:`
    this.commands = new SingleCommands(url, this.key, clock)
  }

  /** @throws RoomfulError (rejects) UNAVAILABLE */
  async issue(identity: Identity): Promise<string> {
    const ticket = `t_${this.random.id(TICKET_LENGTH)}`
    const { sub } = identity.user
    const value = `${Buffer.byteLength(sub)} ${Math.trunc(identity.expiresAt ?? 0)} ${sub}${JSON.stringify(identity)}`
    await this.run(ISSUE, [ticket, value, sub, String(LIFETIME_MS), String(PER_USER)])
    return ticket
  }

  /**
   * @param stream names a stream, which may use the ticket again until its token expires
   * @throws RoomfulError (rejects) TOKEN_INVALID, TOKEN_EXPIRED, UNAVAILABLE
   */
  async redeem(ticket: string, stream = ''): Promise<Identity> {
    const limits = [BOUND_LIFETIME_MS, BOUND_PER_USER, this.clock.now()].map((limit) => String(Math.trunc(limit)))
    // Whatever else a client sends must not name another key.
    const value = FORM.test(ticket) ? await this.run<string | null>(REDEEM, [ticket, stream, ...limits]) : null
    if (value === null) {
      throw new RoomfulError('TOKEN_INVALID', 'Authentication failed: the ticket is unknown, used or expired')
    }
    const identity = identityOf(value)
    const { expiresAt } = identity
    if (expiresAt !== undefined && expiresAt <= this.clock.now()) throw new RoomfulError('TOKEN_EXPIRED')
    return identity
  }

  close(): void {
    this.commands.close()
  }

  private async run<T>(script: string, args: readonly string[]): Promise<T> {
    try {
      return await this.commands.ask<T>(['EVAL', script, '1', this.key, ...args])
    } catch (cause) {
      throw new RoomfulError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_MS, cause })
    }
  }
}

function identityOf(value: string): Identity {
  const [size = '', ends = ''] = value.split(' ', 2)
  const json = Buffer.from(value).subarray(size.length + ends.length + 2 + Number(size))
  return JSON.parse(json.toString()) as Identity
}
