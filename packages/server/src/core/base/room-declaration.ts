/** What an application says about its rooms: options and rules per pattern. The first match wins. M3. */
import type { User } from '../ports/user.ts'

export type Allow = (user: User, roomId: string) => boolean | Promise<boolean>

export interface RoomOptions {
  /** Events that no contract declares are durable when they are emitted to all of a room like this. Default: transient. */
  durable?: boolean
  /** Most users with a seat; more are refused with ROOM_FULL. Default: no bound. */
  capacity?: number
  /** Latest events kept in memory for quick resumes. Default: the server's setting. */
  historySize?: number
  /** Most events kept in the log. Default: the server's setting. */
  retention?: number
  /** Who may publish through the room vocabulary: anyone with permission, or members only (else NOT_IN_ROOM). */
  publish?: 'anyone' | 'members'
  /** Rules by action; one that is left out allows. They run on every transport, and again after a refresh. G8. */
  allow?: { join?: Allow; publish?: Allow; history?: Allow; presence?: Allow }
}

export type RoomAction = keyof NonNullable<RoomOptions['allow']>

export interface RoomDeclaration {
  readonly pattern: string
  readonly options: RoomOptions
}

const OPEN: RoomDeclaration = { pattern: '*', options: {} }

export class RoomDeclarations {
  private readonly list: { declaration: RoomDeclaration; matches: (roomId: string) => boolean }[] = []

  get isEmpty(): boolean {
    return this.list.length === 0
  }

  /** @param pattern a room id in which each `*` stands for any characters */
  add(pattern: string, options: RoomOptions): void {
    this.list.push({ declaration: { pattern, options }, matches: matcher(pattern) })
  }

  /** @param open what matches nothing is allowed with default options */
  find(roomId: string, open: boolean): RoomDeclaration | undefined {
    for (const { declaration, matches } of this.list) if (matches(roomId)) return declaration
    return open ? OPEN : undefined
  }
}

function matcher(pattern: string): (roomId: string) => boolean {
  const parts = pattern.split('*')
  if (parts.length === 1) return (roomId) => roomId === pattern
  const [head = '', ...rest] = parts
  const tail = rest.pop() ?? ''
  return (roomId) => {
    if (!roomId.startsWith(head) || roomId.length < head.length + tail.length || !roomId.endsWith(tail)) return false
    let at = head.length
    for (const part of rest) {
      const found = roomId.indexOf(part, at)
      if (found < 0 || found + part.length > roomId.length - tail.length) return false
      at = found + part.length
    }
    return true
  }
}
