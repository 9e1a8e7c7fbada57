/** An event as the core hands it to an encoder. */
import { isSpreadable, type StoredFields, toJson, type WireEvent } from '@roomful/protocol'

export function eventOf(type: string, args: readonly unknown[], stored?: StoredFields): WireEvent {
  return { type, args, argsJson: toJson(args), spread: isSpreadable(args[0]), stored }
}
