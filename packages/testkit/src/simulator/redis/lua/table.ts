/** A table of Lua: values under 1, 2, 3 … in a list, everything else under its name. */
export class LuaTable {
  readonly list: unknown[]
  readonly fields = new Map<unknown, unknown>()

  constructor(list: unknown[] = []) {
    while (list.length > 0 && list.at(-1) === undefined) list.pop()
    this.list = list
  }

  get(key: unknown): unknown {
    const at = typeof key === 'number' ? this.list[key - 1] : undefined
    return at === undefined ? this.fields.get(key) : at
  }

  set(key: unknown, value: unknown): void {
    const { list, fields } = this
    if (typeof key === 'number' && key >= 1 && key <= list.length + 1 && Number.isInteger(key)) {
      if (value === undefined && key >= list.length) return void (key === list.length && list.pop())
      list[key - 1] = value
      // What stood behind the end before there was one.
      while (fields.size > 0 && fields.has(list.length + 1)) {
        const next = list.length + 1
        list.push(fields.get(next))
        fields.delete(next)
      }
    } else if (value === undefined) fields.delete(key)
    else fields.set(key, value)
  }

  *entries(): Generator<[unknown, unknown]> {
    for (const [index, value] of this.list.entries()) if (value !== undefined) yield [index + 1, value]
    yield* [...this.fields]
  }

  *items(): Generator<[number, unknown]> {
    for (let i = 0; i < this.list.length && this.list[i] !== undefined; i++) yield [i + 1, this.list[i]]
  }
}

/** Several results of a function, or none. */
export class Values {
  readonly all: readonly unknown[]

  constructor(all: readonly unknown[]) {
    this.all = all
  }
}
