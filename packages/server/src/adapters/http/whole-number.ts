import { RoomfulError } from '../../core/base/errors.ts'

/** A number in a URL, in digits. @throws RoomfulError INVALID_MESSAGE naming the parameter */
export function wholeNumber(
  field: string,
  text: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER }: { readonly minimum?: number; readonly maximum?: number },
): number {
  const value = Number(text)
  if (/^\d{1,16}$/.test(text) && value >= minimum && value <= maximum) return value
  throw new RoomfulError('INVALID_MESSAGE', `${field} must be a whole number from ${minimum} to ${maximum}`, { field })
}
