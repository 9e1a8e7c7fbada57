/** Parts of the address, decoded once and exactly: the router decodes some characters by itself, so `%25` would be read twice. */
import { useLocation } from 'wouter'

/** @returns `undefined` for what no browser would write, such as `%E0%A4%A` */
function decodeSegment(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

/** @param index 0 for the first part of the path. @returns `''` when there is none */
export function useSegment(index: number): string {
  useLocation() // to be drawn again when it changes
  return decodeSegment(segmentsOf(globalThis.location.pathname)[index] ?? '') ?? ''
}

function segmentsOf(pathname: string): string[] {
  return pathname.split('/').slice(1)
}

/** Whether this can be the address of a page at all. */
export function isReadable(pathname: string): boolean {
  return segmentsOf(pathname).every((part) => decodeSegment(part) !== undefined)
}
