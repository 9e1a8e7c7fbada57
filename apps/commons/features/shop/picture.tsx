/** A picture of a product, drawn from its colour and its first letters: soft shapes that no two products share. */
import type { ReactElement } from 'react'

export function Picture({
  productId,
  hue,
  className,
}: {
  productId: string
  hue: number
  className?: string
}): ReactElement {
  const seed = [...productId].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9_973, 7)
  const x = 20 + (seed % 60)
  const y = 25 + ((seed >> 3) % 50)
  const turn = seed % 90
  return (
    <svg aria-hidden="true" viewBox="0 0 100 100" preserveAspectRatio="xMidYMid slice" className={className}>
      <rect width="100" height="100" fill={`oklch(0.88 0.06 ${hue})`} />
      <circle cx={x} cy={y} r="34" fill={`oklch(0.74 0.11 ${hue})`} />
      <rect
        x="30"
        y="42"
        width="46"
        height="46"
        rx="10"
        transform={`rotate(${turn} 53 65)`}
        fill={`oklch(0.58 0.12 ${hue} / 0.85)`}
      />
      <circle cx={100 - x} cy={88 - y / 2} r="12" fill={`oklch(0.95 0.04 ${hue})`} />
    </svg>
  )
}
