/** Where a table is, within the pages of the games. */
const PREFIX = 'game:'

export function pathOf(roomId: string): string {
  return `/${encodeURIComponent(roomId.slice(PREFIX.length))}`
}

/** @param id as the address has it, decoded */
export function roomOf(id: string): string {
  return PREFIX + id
}
