/** Prices in words. */
const format = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })

export function money(cents: number): string {
  return format.format(cents / 100)
}
