/** How an event is handed to a listener: its data and what else is known of it, or its several arguments and that last. */
import type { ReceivedEvent } from './frames.ts'

export function callListener(listener: unknown, { args, meta }: ReceivedEvent): void {
  const call = listener as (...args: readonly unknown[]) => void
  call(...(args.length === 0 ? [undefined] : args), meta)
}
