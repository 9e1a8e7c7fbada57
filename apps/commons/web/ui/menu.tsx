/** A button that opens a list of things to do. */
import { Menu as Base } from '@base-ui/react/menu'
import clsx from 'clsx'
import type { LucideIcon } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'

export interface MenuProps {
  /** The button itself. */
  readonly trigger: ReactElement
  readonly side?: 'top' | 'bottom'
  readonly align?: 'start' | 'center' | 'end'
  readonly children: ReactNode
}

export function Menu({ trigger, side = 'bottom', align = 'end', children }: MenuProps): ReactElement {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner side={side} align={align} sideOffset={6} className="z-40">
          <Base.Popup className="min-w-44 animate-appear rounded-xl border border-line bg-raised p-1 shadow-float focus-visible:outline-none">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

export interface MenuItemProps {
  readonly icon?: LucideIcon
  readonly danger?: boolean
  readonly disabled?: boolean
  readonly onSelect: () => void
  readonly children: ReactNode
}

const ITEM =
  'flex h-9 w-full cursor-default items-center gap-2.5 rounded-lg px-2.5 text-sm outline-none ' +
  'data-highlighted:bg-ink/8 data-disabled:opacity-50 pointer-coarse:h-11'

export function MenuItem({ icon: Icon, danger, disabled, onSelect, children }: MenuItemProps): ReactElement {
  return (
    <Base.Item disabled={disabled ?? false} onClick={onSelect} className={clsx(ITEM, danger && 'text-bad')}>
      {Icon && <Icon aria-hidden size={16} />}
      {children}
    </Base.Item>
  )
}

export interface MenuChoicesProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly onChange: (value: Value) => void
  readonly choices: readonly { readonly value: Value; readonly label: string; readonly icon: LucideIcon }[]
}

/** One of several, inside a menu. */
export function MenuChoices<Value extends string>({
  label,
  value,
  onChange,
  choices,
}: MenuChoicesProps<Value>): ReactElement {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2.5 pt-2 pb-1 font-medium text-muted text-xs">{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(chosen: Value) => onChange(chosen)}>
        {choices.map(({ value: each, label: name, icon: Icon }) => (
          <Base.RadioItem key={each} value={each} className={ITEM}>
            <Icon aria-hidden size={16} />
            <span className="grow">{name}</span>
            <Base.RadioItemIndicator className="size-2 rounded-full bg-accent" />
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  )
}

export function MenuSeparator(): ReactElement {
  return <Base.Separator className="my-1 h-px bg-line" />
}
