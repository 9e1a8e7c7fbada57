/** The part of a server that stores: Roomful's own server, whose log, rooms and other clients it shares. */
import { createHmac, randomBytes } from 'node:crypto'
import {
  createRoomful,
  createRoomfulLate,
  loadSettings,
  openRoomLog,
  type RedisStorage,
  type Roomful,
} from '@roomful/server/core'
import type { AnyNamespace } from '../internal.ts'
import { DurableAdapter } from './adapter.ts'
import { Bridge } from './bridge.ts'
import { type DurableOptions, durableSettings } from './options.ts'

/** Clients of Roomful that connect with Socket.IO go through this package's own engine. */
const UNUSED_PATH = '/roomful.io'

export interface RecoveryTimes {
  /** How long a client may be away. */
  readonly awayMs: number
  /** How long events are kept that are not durable; undefined for not at all. */
  readonly keepMs: number | undefined
}

export class Durable {
  readonly roomful: Roomful
  private readonly isOwn: boolean
  /** Of the servers that share the log, where no setting has one. */
  private readonly secret: PromiseWithResolvers<Uint8Array> | undefined
  private readonly createOne: (nsp: AnyNamespace) => DurableAdapter

  /** @throws TypeError for options that make no sense, RoomfulError when the storage cannot be used */
  constructor(given: readonly string[] | DurableOptions, { awayMs, keepMs }: RecoveryTimes) {
    const settings = durableSettings(given, keepMs !== undefined)
    const { data, redisUrl, server } = settings
    this.isOwn = server === undefined
    if (server) this.roomful = server
    else {
      const { env } = process
      const isCommon = !env.JWT_SECRET && Boolean(redisUrl ?? env.REDIS_URL)
      // The settings want one; the common one takes its place before the start.
      const loaded = loadSettings({ env: isCommon ? { ...env, JWT_SECRET: randomBytes(32).toString('hex') } : env })
      const own = {
        ...loaded,
        socketioPath: UNUSED_PATH,
        ...(data === undefined ? {} : { data }),
        ...(redisUrl === undefined ? {} : { redisUrl }),
      }
      this.secret = isCommon ? Promise.withResolvers() : undefined
      this.roomful = this.secret ? createRoomfulLate(own, this.secret.promise) : createRoomful(own)
    }
    const warned = new Set<string>()
    const parts = {
      settings,
      bridge: settings.bridge === 'all' ? new Bridge(this.roomful) : undefined,
      awayMs,
      keepMs,
      openLog: (...args: Parameters<typeof openRoomLog> extends [Roomful, ...infer Rest] ? Rest : never) =>
        openRoomLog(this.roomful, ...args),
      warn: (event: string, sentence: string) => {
        if (warned.has(event)) return
        warned.add(event)
        process.emitWarning(sentence, 'RoomfulWarning')
      },
    }
    this.createOne = (nsp) => new DurableAdapter(nsp, parts)
  }

  /** @param common what the servers that share the log have in common, and no one else knows */
  takeSecret(common: Promise<Uint8Array>): void {
    this.secret?.resolve(common.then((bytes) => createHmac('sha256', bytes).update('tokens').digest()))
  }

  /** Where the log is, if other servers share it. */
  get redis(): RedisStorage | undefined {
    return this.roomful.storage.redis
  }

  /** A function, as adapters of other packages may be. */
  get adapter(): (nsp: AnyNamespace) => DurableAdapter {
    return this.createOne
  }

  async close(): Promise<void> {
    if (this.isOwn) await this.roomful.close()
  }
}
