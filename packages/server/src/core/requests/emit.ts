/**
 * Chooses who receives an event, with the words of Socket.IO: `to(room).to(other).except(id).volatile.emit(type, …)`. One
 * immutable value with two ends: it records an effect of a handler, or acts at once for the server itself.
 */
import { isPersonalRoom, toJson } from '@roomful/protocol'
import { checkRoomId } from '../base/contract.ts'
import { RoomfulError } from '../base/errors.ts'
import type { AppendEffect, Audience, EmitEffect } from '../log/effects.ts'
import type { NamespaceState } from '../state/namespace-state.ts'

export class Emitter {
  private readonly namespace: NamespaceState
  private readonly audience: Audience
  private readonly perform: (effect: AppendEffect | EmitEffect) => void

  constructor(namespace: NamespaceState, audience: Audience, perform: (effect: AppendEffect | EmitEffect) => void) {
    this.namespace = namespace
    this.audience = audience
    this.perform = perform
  }

  /** Adds a room (or a connection id, or `user:<id>`). Members of several get one copy; an empty list sends to no one. */
  to(room: string | readonly string[]): Emitter {
    const rooms = typeof room === 'string' ? [room] : room
    return this.with({ rooms: [...(this.audience.rooms ?? []), ...rooms.map((each) => checkRoomId(each))] })
  }

  /** The same as {@link to}. */
  in(room: string | readonly string[]): Emitter {
    return this.to(room)
  }

  /** Leaves out a room or a connection. */
  except(room: string | readonly string[]): Emitter {
    const rooms = typeof room === 'string' ? [room] : room
    return this.with({ except: [...this.audience.except, ...rooms] })
  }

  /** May be dropped for a slow link. */
  get volatile(): Emitter {
    return this.with({ volatile: true })
  }

  /** Volatile, but a slow client receives the latest event of each `key` once it reads again. */
  latest(key: string): Emitter {
    return this.with({ volatile: true, latestKey: key })
  }

  /**
   * Sends an event to those connected now; one that the contract declares durable is stored in its one room instead.
   * A room that does not exist is no error. B30.
   * @throws RoomfulError DURABLE_NEEDS_ONE_ROOM
   */
  emit(type: string, ...args: readonly unknown[]): void {
    const definition = this.namespace.serverEvents.get(type)
    if (definition?.durable || (!definition && this.isToDurableRoom())) return this.perform(this.append(type, args))
    const { latestBy } = typeof definition?.volatile === 'object' ? definition.volatile : { latestBy: undefined }
    const audience: Audience =
      definition?.volatile && !this.audience.volatile
        ? {
            ...this.audience,
            volatile: true,
            latestKey: latestBy === undefined ? undefined : fieldOf(args[0], latestBy),
          }
        : this.audience
    const [roomId, ...more] = audience.rooms ?? []
    const isForOneRoom = roomId !== undefined && more.length === 0 && !isPersonalRoom(roomId)
    this.perform({
      kind: 'emit',
      event: this.namespace.transient(type, args, isForOneRoom ? roomId : undefined),
      audience,
    })
  }

  /** The durable form of `emit`, whatever the contract says. @throws RoomfulError DURABLE_NEEDS_ONE_ROOM */
  append(type: string, args: readonly unknown[], userId?: string): AppendEffect {
    const [roomId, ...more] = this.audience.rooms ?? []
    if (roomId === undefined || more.length > 0 || this.audience.except.length > 0 || this.audience.volatile) {
      throw new RoomfulError('DURABLE_NEEDS_ONE_ROOM')
    }
    return {
      kind: 'append',
      roomId,
      type,
      args,
      argsJson: toJson(args),
      userId,
      atomicGroup: undefined,
      aboutSeq: undefined,
    }
  }

  private isToDurableRoom(): boolean {
    const { rooms = [], except, volatile } = this.audience
    const roomId = rooms[0]
    if (roomId === undefined || rooms.length > 1 || except.length > 0 || volatile) return false
    return this.namespace.declarations.find(roomId, false)?.options.durable === true
  }

  private with(change: Partial<Audience>): Emitter {
    return new Emitter(this.namespace, { ...this.audience, ...change }, this.perform)
  }
}

function fieldOf(value: unknown, field: string): string {
  const found = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined
  return String(found)
}
