/**
 * Who runs what must run once: a hash with a holder, a fence and the end of the lease for each name, in the time of Redis.
 * A new holder's fence is raised in every namespace before it begins, so that nothing of an earlier one is stored after that.
 */
import type { Held, LeadLeases, WantedLead } from '../../../core/ports/leads.ts'
import type { Clock } from '../../../core/ports/system.ts'
import { clusterNames } from './names.ts'
import { SingleCommands } from './single-commands.ts'

export interface LeasesOptions {
  readonly url: string
  readonly prefix: string
  readonly node: string
  readonly clock: Clock
  /** In every namespace. Rejects when one of them cannot. */
  readonly raise: (name: string, fence: number) => Promise<unknown>
}

const LEASE_MS = 8_000

// A field is `holder fence end`. Fences begin at the time, so that they grow also when Redis has lost some.
const TAKE = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local node, reply = ARGV[1], {}
for i = 3, #ARGV, 2 do
  local name, own = ARGV[i], ARGV[i + 1]
  local holder, fence, ends = string.match(redis.call('HGET', KEYS[1], name) or '- 0 0', '^(%S+) (%d+) (%d+)$')
  fence, ends = tonumber(fence), tonumber(ends)
  local is_free = ends <= now
  local is_taken = own == '' and (is_free or holder == node)
  if is_taken then fence = math.max(fence + 1, now) end
  if is_taken or (not is_free and holder == node and fence == tonumber(own)) then
    redis.call('HSET', KEYS[1], name, string.format('%s %.0f %.0f', node, fence, now + ARGV[2]))
    reply[#reply + 1] = string.format('%.0f', fence)
    reply[#reply + 1] = node
  else
    reply[#reply + 1] = ''
    reply[#reply + 1] = is_free and '' or holder
  end
end
return reply`

const RELEASE = `
local holder, fence = string.match(redis.call('HGET', KEYS[1], ARGV[2]) or '', '^(%S+) (%d+) ')
if holder == ARGV[1] and fence == ARGV[3] then redis.call('HSET', KEYS[1], ARGV[2], '- ' .. fence .. ' 0') end
return 1`

export class Leases implements LeadLeases {
  readonly leaseMs = LEASE_MS
  private readonly options: LeasesOptions
  private readonly key: string
  private readonly commands: SingleCommands

  constructor(options: LeasesOptions) {
    this.options = options
    this.key = clusterNames(options.prefix).leads
    this.commands = new SingleCommands(options.url, this.key, options.clock)
  }

  async take(wanted: readonly WantedLead[]): Promise<Held[]> {
    const { node } = this.options
    const names = wanted.flatMap(({ name, fence }) => [name, fence === undefined ? '' : String(fence)])
    const reply = await this.commands.ask<string[]>(['EVAL', TAKE, '1', this.key, node, String(LEASE_MS), ...names])
    return Promise.all(wanted.map((lead, i) => this.begun(lead, reply[2 * i], reply[2 * i + 1])))
  }

  async release(name: string, fence: number): Promise<void> {
    await this.commands.ask(['EVAL', RELEASE, '1', this.key, this.options.node, name, String(fence)])
  }

  close(): void {
    this.commands.close()
  }

  private async begun(
    { name, fence: own }: WantedLead,
    text: string | undefined,
    holder: string | undefined,
  ): Promise<Held> {
    if (!text) return { fence: undefined, holder: holder || undefined }
    const fence = Number(text)
    try {
      if (own === undefined) await this.options.raise(name, fence)
      return { fence, holder }
    } catch {
      return { fence: undefined, holder: undefined } // the next time with a higher one
    }
  }
}
