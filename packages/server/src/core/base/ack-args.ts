/** An answer of several values, where a dialect's acknowledgements can hold more than one; elsewhere it is their array. */
export class Several {
  readonly values: readonly unknown[]

  constructor(values: readonly unknown[]) {
    this.values = values
  }
}

/** Answers a request with several values: `return several(1, 'two')`. */
export function several(...values: readonly unknown[]): Several {
  return new Several(values)
}
