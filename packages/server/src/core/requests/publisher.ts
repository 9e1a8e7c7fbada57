/** Events of the server itself: durable ones, which are stored, and others for those connected now. */
import { toJson } from '@roomful/protocol'
import { checkRoomId } from '../base/contract.ts'
import { fingerprint } from '../base/fingerprint.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Commit, RequestEffects } from '../log/commit.ts'
import { type AppendEffect, type EmitEffect, EVERYONE, type Stored } from '../log/effects.ts'
import type { FanOut } from '../log/fan-out.ts'
import type { AppendKey } from '../ports/broker.ts'
import type { NamespaceState } from '../state/namespace-state.ts'
import { Emitter } from './emit.ts'
import { checkKeyAge } from './idempotency.ts'

export interface PublishOptions {
  /** Makes a repeat recognisable. */
  readonly key?: string
  /** Whose key; the server's own without it, and then each room has keys of its own. */
  readonly scope?: string
  readonly userId?: string
}

export class Publisher {
  private readonly runtime: Runtime
  private readonly namespace: NamespaceState
  private readonly commit: Commit
  private readonly fanOut: FanOut

  constructor(
    runtime: Runtime,
    namespace: NamespaceState,
    { commit, fanOut }: { readonly commit: Commit; readonly fanOut: FanOut },
  ) {
    this.runtime = runtime
    this.namespace = namespace
    this.commit = commit
    this.fanOut = fanOut
  }

  /** Stores a durable event in one room. @throws RoomfulError (rejects) UNAVAILABLE, CONFLICT, EXPIRED, ROOM_NAME_INVALID */
  async publish(roomId: string, type: string, args: readonly unknown[], options: PublishOptions = {}): Promise<Stored> {
    // No user id begins with a control character.
    const { key, scope = `\u0000room ${roomId}`, userId } = options
    if (key !== undefined) checkKeyAge(this.runtime, key)
    const content = key === undefined ? '' : fingerprint(`${type}\n${toJson(args)}`)
    return this.store(roomId, type, args, userId, key === undefined ? undefined : { scope, key, fingerprint: content })
  }

  /** As {@link publish}, with a key that is made already. */
  async store(
    roomId: string,
    type: string,
    args: readonly unknown[],
    userId: string | undefined,
    key: AppendKey | undefined,
    more: Pick<RequestEffects, 'writer' | 'newRooms' | 'made'> = {},
  ): Promise<Stored> {
    const argsJson = toJson(args)
    const effect = {
      kind: 'append',
      roomId: checkRoomId(roomId),
      type,
      args,
      argsJson,
      userId,
      atomicGroup: undefined,
      aboutSeq: undefined,
    } as const
    const [stored] = await this.submit([effect], key, more)
    return stored as Stored
  }

  /** Emits at once, for everyone until it is narrowed. */
  emitter(): Emitter {
    return new Emitter(this.namespace, EVERYONE, (effect) => {
      this.submit([effect], undefined).catch((error: unknown) => {
        this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      })
    })
  }

  private submit(
    effects: readonly (AppendEffect | EmitEffect)[],
    key: AppendKey | undefined,
    more: Pick<RequestEffects, 'writer' | 'newRooms' | 'made'> = {},
  ): Promise<readonly Stored[]> {
    return new Promise((resolve, reject) => {
      this.commit.submit({
        ...more,
        effects,
        key,
        firstKey: 0,
        ack: undefined,
        origin: undefined,
        apply: (effect, ok) => {
          if (ok && effect.kind === 'emit') this.fanOut.emit(effect.event, effect.audience)
        },
        settle: (stored, error) => (error ? reject(error) : resolve(stored)),
      })
    })
  }
}
