/**
 * A value whose JSON is made once and then shared by many answers: the members of a large room in the answer to each join.
 * Encoders that write bytes put `bytes` between theirs; everyone else sees the value.
 */
const utf8 = /* @__PURE__ */ new TextEncoder()
const PLACEHOLDER = '\u0000shared'
const PLACEHOLDER_JSON = JSON.stringify(PLACEHOLDER)

export class SharedJson<Value> {
  readonly value: Value
  #bytes: Uint8Array | undefined

  constructor(value: Value) {
    this.value = value
  }

  get bytes(): Uint8Array {
    this.#bytes ??= utf8.encode(JSON.stringify(this.value))
    return this.#bytes
  }

  toJSON(): Value {
    return this.value
  }
}

/**
 * Encodes `data` around the one shared field that it may have.
 * @param encode makes the text of a message from its data
 * @returns the text, in three parts when there is a shared one
 */
export function aroundShared(
  data: unknown,
  encode: (data: unknown) => string,
): { before: string; shared: SharedJson<unknown>; after: string } | string {
  if (typeof data !== 'object' || data === null) return encode(data)
  for (const [field, value] of Object.entries(data)) {
    if (!(value instanceof SharedJson)) continue
    const text = encode({ ...data, [field]: PLACEHOLDER })
    const at = text.lastIndexOf(PLACEHOLDER_JSON)
    return { before: text.slice(0, at), shared: value, after: text.slice(at + PLACEHOLDER_JSON.length) }
  }
  return encode(data)
}
