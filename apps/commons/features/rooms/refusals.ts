/** The server's refusals in a room, as sentences for the user. */
import type { RoomfulError } from '@roomful/client'
import { sentenceOf } from '../../web/ui/error-sentence.ts'
import { roomTitle } from './room-names.ts'

const NO_REASON = 'Choose another room, or ask a member for help.'

/** Why a room cannot be joined. */
export function whyNotJoined(error: RoomfulError | undefined): string {
  if (!error) return NO_REASON
  switch (error.code) {
    case 'ROOM_FULL':
      return 'It’s full. Try again later.'
    case 'TOO_MANY_ROOMS':
      return 'You’re in too many rooms. Leave one first.'
    case 'ROOM_NAME_INVALID':
      return 'That isn’t a valid room name.'
    case 'FORBIDDEN':
      return NO_REASON
    default:
      return sentenceOf(error)
  }
}

/** Why something that was said or done in a room was not taken. */
export function whyRefused(error: RoomfulError, roomId: string): string {
  return error.code === 'FORBIDDEN' ? `You can’t post in #${roomTitle(roomId)}` : sentenceOf(error)
}
