/**
 * The rules of rooms: asked before something is done, and again when the answer may have changed (a refresh, a change of
 * role, a recovery). A connection that loses a room leaves it and is notified. G8, D11.
 */
import { CLOSE_CODES, isPersonalRoom } from '@roomful/protocol'
import type { RoomAction, RoomDeclaration } from '../base/contract.ts'
import { RoomfulError, toRoomfulError } from '../base/errors.ts'
import type { Runtime } from '../base/runtime.ts'
import type { Delivery } from '../log/fan-out.ts'
import type { Connection } from '../state/namespace-state.ts'
import { rightsOf } from './rights.ts'

/** For whom the rules are asked: a connection, or a request without one. */
export type Asking = Pick<Connection, 'namespace' | 'user' | 'id'>

/** Takes a connection out of a room. @returns false when it was not in it */
type Leave = (connection: Connection, roomId: string, reason: string) => boolean

export class Access {
  private readonly runtime: Runtime
  private readonly delivery: Delivery
  private readonly leave: Leave

  constructor(runtime: Runtime, delivery: Delivery, leave: Leave) {
    this.runtime = runtime
    this.delivery = delivery
    this.leave = leave
  }

  /** @throws RoomfulError FORBIDDEN; @returns true when the rules said so at once */
  may(asking: Asking, action: RoomAction, roomId: string): true | Promise<true> {
    const { namespace } = asking
    return this.ask(asking, action, roomId, namespace.declarations.find(roomId, namespace.isOpen))
  }

  /**
   * Publishing needs permission, not membership, unless the room is declared otherwise.
   * @throws RoomfulError FORBIDDEN, NOT_IN_ROOM; @returns true when the rules said so at once
   */
  mayPublish(connection: Connection, roomId: string): true | Promise<true> {
    const { namespace } = connection
    const declaration = namespace.declarations.find(roomId, namespace.isOpen)
    const allowed = this.ask(connection, 'publish', roomId, declaration)
    if (declaration?.options.publish !== 'members' || connection.willBeIn(roomId)) return allowed
    const refusal = new RoomfulError('NOT_IN_ROOM', 'Join this room before you speak in it')
    if (allowed === true) throw refusal
    return allowed.then(() => {
      throw refusal
    })
  }

  private ask(
    { user, id }: Asking,
    action: RoomAction,
    roomId: string,
    declaration: RoomDeclaration | undefined,
  ): true | Promise<true> {
    if (isPersonalRoom(roomId)) {
      if (roomId === `user:${user.sub}` || roomId === id) return true
      throw new RoomfulError('FORBIDDEN', 'This room belongs to another user')
    }
    const rights = rightsOf(user)
    if (rights && !rights.allows(action === 'stop' || action === 'state' ? 'publish' : action, roomId)) {
      throw new RoomfulError('FORBIDDEN', `Your token does not allow you to ${action} ${JSON.stringify(roomId)}`)
    }
    if (!declaration) throw new RoomfulError('FORBIDDEN', `No room like ${JSON.stringify(roomId)} is declared here`)
    const answer = declaration.options.allow?.[action]?.(user, roomId) ?? true
    if (answer === true) return true
    const forbidden = new RoomfulError('FORBIDDEN', `You are not allowed to ${action} ${JSON.stringify(roomId)}`)
    if (answer === false) throw forbidden
    return answer.then((allowed) => {
      if (!allowed) throw forbidden
      return true as const
    })
  }

  /** Runs the rules again after a refresh, a change of role, or when they may say something else now. G8. */
  async recheck(connection: Connection): Promise<void> {
    await Promise.all([...connection.memberships.keys()].map((roomId) => this.recheckRoom(connection, roomId)))
  }

  /** Takes the connection out of a room that the rules no longer allow, and notifies it. */
  async recheckRoom(connection: Connection, roomId: string): Promise<void> {
    try {
      await this.may(connection, 'join', roomId)
    } catch (error) {
      if (connection.stage === 'open' && this.leave(connection, roomId, 'forbidden'))
        this.notifyLost(connection, roomId, error)
    }
  }

  /** Sends which room was lost, in the form of the client's dialect. */
  notifyLost(connection: Connection, roomId: string, cause: unknown): void {
    const error = toRoomfulError(cause)
    const message = error.code === 'FORBIDDEN' ? error.message : 'You are no longer allowed in this room'
    const { link, channel } = connection
    // The connection of a protocol has this one room, so it ends with it.
    if (link.owner) return link.close(CLOSE_CODES.FORBIDDEN.code, message)
    if (link.dialect.view === 'classic') {
      connection.currentRoom = undefined
      link.control('left', channel, { room: roomId })
      link.fail(channel, new RoomfulError('FORBIDDEN', message), undefined)
      return this.runtime.turn.endSoon()
    }
    this.delivery.notify(connection, 'notice', { code: 'FORBIDDEN', message, roomId })
  }
}
