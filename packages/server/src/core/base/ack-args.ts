/** An acknowledgement with several values. Dialects whose acknowledgements hold one value send them as an array. */
export class AckArgs {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = values
  }
}

/** Answers a request with several values: `return ackArgs(1, 'two')`. */
export function ackArgs(...values: readonly unknown[]): AckArgs {
  return new AckArgs(values)
}
