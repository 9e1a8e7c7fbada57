/**
 * A Set and a Map that mostly have one entry: without a table they take 48 bytes instead of 200, and a connection would have
 * several. From the second entry on they are what they stand for, and as fast. Order and iteration are those of Set and Map.
 */

/** Not `undefined`, which may be a value. */
const NONE = Symbol('none')

export class SmallSet<T> implements Iterable<T> {
  private first: T | typeof NONE = NONE
  /** Once it exists all that comes goes into it, so that what is being iterated over is not moved. */
  private rest: Set<T> | undefined

  get size(): number {
    return (this.first === NONE ? 0 : 1) + (this.rest?.size ?? 0)
  }

  has(value: T): boolean {
    return this.first === value || this.rest?.has(value) === true
  }

  add(value: T): void {
    if (this.first === value) return
    if (this.rest) this.rest.add(value)
    else if (this.first === NONE) this.first = value
    else this.rest = new Set([value])
  }

  /** @returns whether it was there */
  delete(value: T): boolean {
    if (this.first !== value) return this.rest?.delete(value) === true
    this.first = NONE
    return true
  }

  *[Symbol.iterator](): IterableIterator<T> {
    if (this.first !== NONE) yield this.first
    if (this.rest) yield* this.rest
  }
}

export class SmallMap<K, V> implements Iterable<[K, V]> {
  private firstKey: K | typeof NONE = NONE
  private firstValue: V | undefined
  /** As in {@link SmallSet}. */
  private rest: Map<K, V> | undefined

  get size(): number {
    return (this.firstKey === NONE ? 0 : 1) + (this.rest?.size ?? 0)
  }

  has(key: K): boolean {
    return this.firstKey === key || this.rest?.has(key) === true
  }

  get(key: K): V | undefined {
    return this.firstKey === key ? this.firstValue : this.rest?.get(key)
  }

  set(key: K, value: V): void {
    if (this.firstKey === key || (this.firstKey === NONE && !this.rest)) {
      this.firstKey = key
      this.firstValue = value
    } else if (this.rest) this.rest.set(key, value)
    else this.rest = new Map([[key, value]])
  }

  /** @returns whether it was there */
  delete(key: K): boolean {
    if (this.firstKey !== key) return this.rest?.delete(key) === true
    this.firstKey = NONE
    this.firstValue = undefined
    return true
  }

  *keys(): IterableIterator<K> {
    if (this.firstKey !== NONE) yield this.firstKey
    if (this.rest) yield* this.rest.keys()
  }

  *values(): IterableIterator<V> {
    if (this.firstKey !== NONE) yield this.firstValue as V
    if (this.rest) yield* this.rest.values()
  }

  *[Symbol.iterator](): IterableIterator<[K, V]> {
    if (this.firstKey !== NONE) yield [this.firstKey, this.firstValue as V]
    if (this.rest) yield* this.rest
  }
}
