/** How much is left, in words; little of it stands out. */
import type { ReactElement } from 'react'
import { Badge } from '../../web/ui/badge.tsx'

const LITTLE = 3

export function Stock({ stock }: { stock: number }): ReactElement {
  if (stock === 0) return <Badge tone="bad">Sold out</Badge>
  if (stock <= LITTLE) return <Badge tone="warn">{stock === 1 ? 'Only 1 left' : `Only ${stock} left`}</Badge>
  return <Badge>{stock} in stock</Badge>
}

export function viewersInWords(count: number, isAmong: boolean): string {
  if (isAmong && count <= 1) return 'Only you are viewing this'
  return count === 1 ? '1 person is viewing this' : `${count} people are viewing this`
}
