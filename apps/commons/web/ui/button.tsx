/** Buttons, and links that look like them. */
import { Button as Base } from '@base-ui/react/button'
import clsx from 'clsx'
import type { LucideIcon } from 'lucide-react'
import type { ComponentProps, ReactElement } from 'react'
import { Link } from 'wouter'
import { Spinner } from './spinner.tsx'
import { Tooltip } from './tooltip.tsx'

export type Tone = 'primary' | 'plain' | 'quiet' | 'danger'
type Size = 'small' | 'medium'

const SHAPE =
  'inline-flex select-none items-center justify-center gap-2 whitespace-nowrap rounded-lg font-medium transition-colors ' +
  'disabled:cursor-not-allowed disabled:opacity-50 data-disabled:cursor-not-allowed data-disabled:opacity-50'
const TONES: Readonly<Record<Tone, string>> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong',
  plain: 'border border-line bg-raised text-ink shadow-card hover:bg-sunken',
  quiet: 'text-ink hover:bg-ink/8',
  danger: 'border border-line bg-raised text-bad shadow-card hover:bg-bad-soft',
}
const SIZES: Readonly<Record<Size, string>> = {
  small: 'h-8 px-3 text-sm pointer-coarse:h-10',
  medium: 'h-10 px-4 text-sm',
}

/** For an element of another kind that should look like a button. */
function buttonClass(tone: Tone = 'plain', size: Size = 'medium'): string {
  return clsx(SHAPE, TONES[tone], SIZES[size])
}

export interface ButtonProps extends ComponentProps<'button'> {
  readonly tone?: Tone
  readonly size?: Size
  readonly icon?: LucideIcon
  /** What it started is under way: it cannot be pressed again, and says so. */
  readonly busy?: boolean
}

export function Button({
  tone = 'plain',
  size = 'medium',
  icon: Icon,
  busy = false,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps): ReactElement {
  return (
    <Base
      type="button"
      {...rest}
      disabled={disabled || busy}
      focusableWhenDisabled={busy}
      aria-busy={busy || undefined}
      className={clsx(buttonClass(tone, size), className)}
    >
      {busy ? <Spinner /> : Icon && <Icon aria-hidden size={16} />}
      {children}
    </Base>
  )
}

export interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  readonly icon: LucideIcon
  /** What it does: read aloud, and shown on hover. */
  readonly label: string
  readonly size?: Size
  readonly tone?: Tone
  /** Its icon says enough: nothing is shown on hover or focus, which Escape would close first. */
  readonly isPlain?: boolean
}

export function IconButton({
  icon: Icon,
  label,
  size = 'medium',
  tone = 'quiet',
  isPlain = false,
  className,
  ...rest
}: IconButtonProps): ReactElement {
  const square = size === 'small' ? 'size-8 pointer-coarse:size-10' : 'size-10'
  const button = (
    <Base
      type="button"
      aria-label={label}
      {...rest}
      className={clsx(SHAPE, TONES[tone], square, 'shrink-0', className)}
    >
      <Icon aria-hidden size={size === 'small' ? 16 : 18} />
    </Base>
  )
  return isPlain ? button : <Tooltip text={label}>{button}</Tooltip>
}

export interface LinkButtonProps {
  readonly to: string
  readonly tone?: Tone
  readonly size?: Size
  readonly icon?: LucideIcon
  readonly children: string
}

/** Leads somewhere, and looks like a button. */
export function LinkButton({ to, tone, size, icon: Icon, children }: LinkButtonProps): ReactElement {
  return (
    <Link href={to} className={buttonClass(tone, size)}>
      {Icon && <Icon aria-hidden size={16} />}
      {children}
    </Link>
  )
}
