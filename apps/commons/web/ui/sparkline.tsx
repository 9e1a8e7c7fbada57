/** A small line without axes: which way it went, at a glance. Decoration; the numbers are beside it. */
import type { ReactElement } from 'react'

export interface SparklineProps {
  readonly values: readonly number[]
  readonly className?: string
}

const WIDTH = 120
const HEIGHT = 36
const PADDING = 2

export function Sparkline({ values, className }: SparklineProps): ReactElement {
  const low = Math.min(...values)
  const range = Math.max(...values) - low || 1
  const points = values.map((value, index) => {
    const x = (index / Math.max(1, values.length - 1)) * WIDTH
    const y = PADDING + (1 - (value - low) / range) * (HEIGHT - 2 * PADDING)
    return `${x.toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg aria-hidden="true" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className={className}>
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.75"
        strokeLinejoin="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}
