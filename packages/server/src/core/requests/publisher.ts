/** Events of the server itself: durable ones, which are stored, and others for those connected now. */
import { toJson } from '@roomful/protocol'
import { checkRoomId } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import { fingerprint } from '../base/fingerprint.ts'
import type { Runtime } from '../base/runtime.ts'
import { type Commit, type Fencing, leadLost, type RequestEffects } from '../log/commit.ts'
import { type AppendEffect, type EmitEffect, EVERYONE, type Stored } from '../log/effects.ts'
import type { FanOut } from '../log/fan-out.ts'
import { traceEmit, traceStored } from '../log/trace.ts'
import type { AppendKey, Changed, FactChange } from '../ports/broker.ts'
import type { TracedEvent } from '../ports/observer.ts'
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

/** What differs for who publishes. */
type Given = Pick<RequestEffects, 'writer' | 'limits' | 'lead'>

/** What was stored, and what was changed. */
interface Outcome {
  readonly stored: readonly Stored[]
  readonly changed: readonly Changed[]
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
  async publish(
    roomId: string,
    type: string,
    args: readonly unknown[],
    options: PublishOptions = {},
    lead?: Fencing,
  ): Promise<Stored> {
    // No user id begins with a control character.
    const { key, scope = `\u0000room ${roomId}`, userId } = options
    return this.store(roomId, type, args, userId, this.keyOf(key, scope, type, args), { lead })
  }

  /** As {@link publish}, with a key that is made already. */
  async store(
    roomId: string,
    type: string,
    args: readonly unknown[],
    userId: string | undefined,
    key: AppendKey | undefined,
    more: Given & Partial<Pick<AppendEffect, 'change' | 'aboutSeq' | 'epoch'>> = {},
  ): Promise<Stored> {
    const { change, aboutSeq, epoch, ...given } = more
    const argsJson = toJson(args)
    const effect = {
      kind: 'append',
      roomId: checkRoomId(roomId),
      type,
      args,
      argsJson,
      userId,
      atomicGroup: undefined,
      aboutSeq,
      epoch,
      change,
    } as const
    const { stored } = await this.submit([effect], key, given)
    return stored[0] as Stored
  }

  /** Changes a fact of a room that is no event. @throws RoomfulError (rejects) CONFLICT, NOT_FOUND, UNAVAILABLE */
  async change(roomId: string, change: FactChange, userId?: string, epoch?: string): Promise<Changed> {
    const effect = {
      kind: 'append',
      roomId: checkRoomId(roomId),
      type: '',
      args: [],
      argsJson: '[]',
      userId,
      atomicGroup: undefined,
      aboutSeq: undefined,
      epoch,
      change,
    } as const
    const { changed } = await this.submit([effect], undefined)
    return changed[0] as Changed
  }

  /** A key of the caller's, as the log knows it. @throws RoomfulError EXPIRED */
  keyOf(key: string | undefined, scope: string, type: string, args: readonly unknown[]): AppendKey | undefined {
    if (key === undefined) return undefined
    checkKeyAge(this.runtime, key)
    return { scope, key, fingerprint: fingerprint(`${type}\n${toJson(args)}`) }
  }

  /** Emits at once, for everyone until it is narrowed. */
  emitter(lead?: Fencing): Emitter {
    return new Emitter(this.namespace, EVERYONE, (effect) => {
      this.submit([effect], undefined, { lead }).catch((error: unknown) => {
        if (lead && error instanceof RoomfulError && error.code === 'LEAD_LOST') return // it is counted
        this.runtime.observer.observe({ type: 'commit:failed', namespace: this.namespace.name, error })
      })
    })
  }

  /** The same for a lead: what it sends is refused with LEAD_LOST once it leads no more. */
  fenced(lead: Fencing) {
    const emitter = (): Emitter => this.emitter(lead)
    return {
      publish: (roomId: string, type: string, args: readonly unknown[], options?: PublishOptions) =>
        this.publish(roomId, type, args, options, lead),
      emit: (type: string, ...args: readonly unknown[]) => emitter().emit(type, ...args),
      to: (room: string | readonly string[]) => emitter().to(room),
      in: (room: string | readonly string[]) => emitter().to(room),
      except: (room: string | readonly string[]) => emitter().except(room),
      get volatile(): Emitter {
        return emitter().volatile
      },
    }
  }

  private submit(
    effects: readonly (AppendEffect | EmitEffect)[],
    key: AppendKey | undefined,
    more: Given = {},
  ): Promise<Outcome> {
    const { lead } = more
    const { tracer, turn } = this.runtime
    const trace = tracer?.follows(undefined, undefined)
      ? tracer.publish(describe(this.namespace.name, effects[0]))
      : undefined
    const end = (code: string | undefined): void => turn.afterFlush(() => trace?.ended(code))
    return new Promise((resolve, reject) => {
      const fail = (error: RoomfulError): void => {
        if (lead && error.code === 'LEAD_LOST') {
          this.runtime.observer.observe({ type: 'lead', name: lead.name, what: 'refused' })
        }
        if (trace) end(error.code)
        reject(error)
      }
      if (lead?.isOver) return fail(leadLost(lead))
      trace?.submitted()
      this.commit.submit({
        ...more,
        effects,
        key,
        firstKey: 0,
        ack: undefined,
        origin: undefined,
        traceparent: trace?.traceparent,
        apply: (effect, ok) => {
          if (!ok || effect.kind !== 'emit') return
          if (trace) traceEmit(trace, this.namespace, effect)
          this.fanOut.emit(effect.event, effect.audience)
        },
        settle: (stored, error, _ack, changed) => {
          if (error) return fail(error)
          if (trace) {
            traceStored(trace, this.namespace, effects, stored)
            end(undefined)
          }
          resolve({ stored, changed })
        },
      })
    })
  }
}

/** What the server publishes, for a tracer. */
function describe(namespace: string, effect: AppendEffect | EmitEffect | undefined): TracedEvent {
  if (effect?.kind === 'append') return { namespace, event: effect.type, roomId: effect.roomId }
  const [roomId, ...others] = effect?.audience.rooms ?? []
  return { namespace, event: effect?.event.type ?? '', roomId: others.length === 0 ? roomId : undefined }
}
