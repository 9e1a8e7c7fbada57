/** How this client answers what the server asks. Loaded on demand. */
import type { Report } from './emitter.ts'
import { RoomfulError } from './errors.ts'
import { type RequestFrame, readArgs, writeAnswer } from './frames.ts'

export type Handler = (...args: readonly unknown[]) => unknown

/** What is no refusal is reported and stays here: the server is sent that the client failed, not how. */
export async function answer(
  frame: RequestFrame,
  handler: Handler | undefined,
  reply: (text: string) => void,
  report: Report,
): Promise<void> {
  const { id, event } = frame
  try {
    if (!handler) throw new RoomfulError('UNKNOWN_EVENT', `This client does not answer ${event}`)
    reply(writeAnswer(id, { data: await handler(...readArgs(frame)) }))
  } catch (error) {
    const isRefusal = error instanceof RoomfulError
    if (!isRefusal) report(error)
    const { code, message, field } = isRefusal ? error : new RoomfulError('INTERNAL', 'This client failed to answer')
    reply(writeAnswer(id, { error: { code, message, field } }))
  }
}
