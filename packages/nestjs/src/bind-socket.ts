/** Handlers of gateways on a Socket.IO socket, called and answered as NestJS's own adapter does. */
import { Logger, type WsMessageHandler } from '@nestjs/common'
import type { Socket } from '@roomful/socket.io'
import type { Observable } from 'rxjs'

type Ack = (answer: unknown) => void

const logger = new Logger('RoomfulAdapter')

export function bindSocket(
  socket: Socket,
  handlers: readonly WsMessageHandler[],
  transform: (data: unknown) => Observable<unknown>,
): void {
  for (const { message, callback, isAckHandledManually } of handlers) {
    socket.on(message, (...given: unknown[]) => {
      const { data, ack } = argumentsOf(given)
      run(() => callback(data, ack), transform, {
        onEvent: (event, value) => void socket.emit(event, value),
        onAnswer: (answer) => {
          if (isAckHandledManually !== true) ack?.(answer)
        },
      })
    })
  }
}

/** What becomes of what a handler returns. */
export interface Answering {
  /** An object with `event` and `data`. */
  onEvent(event: string, data: unknown): void
  /** Anything else but nothing. */
  onAnswer(answer: unknown): void
  /** It gives no more. */
  onEnd?(): void
}

/** Runs a handler, whose result may be a value, a promise, or an Observable of several. */
export function run(
  handler: () => Observable<unknown> | Promise<unknown>,
  transform: (data: unknown) => Observable<unknown>,
  { onEvent, onAnswer, onEnd }: Answering,
): { unsubscribe(): void } | undefined {
  const failed = (error: unknown): void => {
    // Only a filter that throws again comes here.
    logger.error(error)
    onEnd?.()
  }
  try {
    return transform(handler()).subscribe({
      next: (response) => {
        if (response === undefined || response === null) return
        const { event, data } = response as { event?: unknown; data?: unknown }
        if (event) onEvent(event as string, data)
        else onAnswer(response)
      },
      error: failed,
      complete: () => onEnd?.(),
    })
  } catch (error) {
    failed(error)
    return undefined
  }
}

/** Several arguments come as a list, and a callback behind them apart. */
function argumentsOf(given: readonly unknown[]): { data: unknown; ack?: Ack } {
  const last = given.at(-1)
  const args = typeof last === 'function' ? given.slice(0, -1) : given
  const data = args.length > 1 ? args : args[0]
  return typeof last === 'function' ? { data, ack: last as Ack } : { data }
}
