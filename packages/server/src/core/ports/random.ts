/** Chance, so that tests and the simulator can choose it. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded); not for secrets. */
  fraction(): number
  /** `length` characters of `a-z0-9`, unguessable: ids and tokens. */
  id(length: number): string
}
