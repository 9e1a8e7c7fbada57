/** Pages of the long lists that the server API answers. */
import { Type } from 'typebox'

/** Where a page of a long list begins, and how long it is. */
export interface ListPage {
  /** What comes behind this one, in the order of code units. */
  readonly after: string
  readonly limit: number
}

export const LIST_MAX = 1_000
export const PageOfList = {
  after: Type.Optional(Type.String({ description: 'The last one of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX, default: LIST_MAX })),
}

/** Those behind `after`, in the order of their ids. */
export function listPage<Item>(
  all: readonly Item[],
  idOf: (item: Item) => string,
  { after, limit }: ListPage,
): { items: Item[]; more: boolean } {
  const found = all.filter((item) => idOf(item) > after)
  const items = found.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).slice(0, limit)
  return { items, more: found.length > limit }
}
