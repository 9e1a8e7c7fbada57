/** The mark: three in a circle. The same drawing is `public/icon.svg`. */
import type { ReactElement } from 'react'

export function Logo({ size = 28, className }: { size?: number; className?: string }): ReactElement {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 32 32" className={className}>
      <rect width="32" height="32" rx="9" fill="#0f766e" />
      <circle cx="16" cy="16" r="8.5" fill="none" stroke="#fff" strokeWidth="2.5" />
      <circle cx="16" cy="7.5" r="3" fill="#fff" />
      <circle cx="8.6" cy="20.2" r="3" fill="#fff" />
      <circle cx="23.4" cy="20.2" r="3" fill="#fff" />
    </svg>
  )
}
