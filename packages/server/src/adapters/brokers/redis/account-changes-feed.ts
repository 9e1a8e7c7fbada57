/** Reads which accounts were changed on other nodes: at once when one of them says so, and every second in any case. */
import type { Clock } from '../../../core/ports/system.ts'
import type { AccountFeed } from '../../../core/ports/users.ts'
import type { SingleCommands } from './single-commands.ts'

export interface AccountChangesFeedOptions {
  readonly commands: SingleCommands
  /** The list of changes. */
  readonly key: string
  readonly clock: Clock
  /** Length of the list. */
  readonly changesMax: number
}

const READ_MS = 1_000
const PAGE = 1_000
/** Own changes that were not read yet. */
const IGNORED_MAX = 10_000

// ARGV: the last entry that was read, `0-0` when there was none, or nothing at first; entries of a page; length of the list.
// Without that entry the list was cut behind it, or is another one.
// @returns 1 when all of that may be so, the last entry, then the entries that come after it
const READ = `local last = ARGV[1]
local is_lost = last == '' or (last == '0-0' and redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[3]))
  or (last ~= '0-0' and #redis.call('XRANGE', KEYS[1], last, last) == 0)
if is_lost then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return { 1, newest and newest[1] or '0-0' }
end
local reply = { 0, last }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', ARGV[2])) do
  reply[2] = entry[1]
  reply[#reply + 1] = entry[1]
  reply[#reply + 1] = entry[2][2]
end
return reply`

export class AccountChangesFeed implements AccountFeed {
  private readonly options: AccountChangesFeedOptions
  private onChanged: ((subs: readonly string[] | undefined) => Promise<void>) | undefined
  private last = ''
  private readonly ignored = new Set<string>()
  private running: Promise<void> = Promise.resolve()
  private next: Promise<void> | undefined
  private cancel: (() => void) | undefined
  private isClosed = false

  constructor(options: AccountChangesFeedOptions) {
    this.options = options
  }

  start(onChanged: (subs: readonly string[] | undefined) => Promise<void>): void {
    this.onChanged = onChanged
    void this.tick()
  }

  /** One that is under way may have asked before the change was there, so another one follows it. */
  read(): Promise<void> {
    this.next ??= this.running.then(() => {
      this.next = undefined
      this.running = this.readPages()
      return this.running
    })
    return this.next
  }

  /** An entry of this node's own. */
  ignore(id: string): void {
    this.ignored.add(id)
    if (this.ignored.size > IGNORED_MAX) this.ignored.clear()
  }

  close(): void {
    this.isClosed = true
    this.cancel?.()
  }

  private async tick(): Promise<void> {
    await this.read()
    if (!this.isClosed) this.cancel = this.options.clock.after(READ_MS, () => void this.tick())
  }

  private async readPages(): Promise<void> {
    try {
      while (!this.isClosed && (await this.readPage()));
    } catch {
      // Redis is away: what was not read yet is there when it is back.
    }
  }

  /** @returns whether there may be more */
  private async readPage(): Promise<boolean> {
    const { commands, key, changesMax } = this.options
    const command = ['EVAL', READ, '1', key, this.last, String(PAGE), String(changesMax)]
    const [isLost, last, ...entries] = await commands.ask<[number, string, ...string[]]>(command)
    const subs = new Set<string>()
    for (let i = 0; i < entries.length; i += 2) {
      if (!this.ignored.delete(entries[i] as string)) subs.add(entries[i + 1] as string)
    }
    if (isLost === 1) await this.onChanged?.(undefined)
    else if (subs.size > 0) await this.onChanged?.([...subs])
    this.last = last
    return entries.length === 2 * PAGE
  }
}
