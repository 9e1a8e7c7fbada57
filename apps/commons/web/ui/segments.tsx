/** A few views of one thing, of which one is shown. */
import { Radio } from '@base-ui/react/radio'
import { RadioGroup } from '@base-ui/react/radio-group'
import type { ReactElement } from 'react'

export interface SegmentsProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly onChange: (value: Value) => void
  readonly choices: readonly { readonly value: Value; readonly label: string }[]
}

export function Segments<Value extends string>({
  label,
  value,
  onChange,
  choices,
}: SegmentsProps<Value>): ReactElement {
  return (
    <RadioGroup
      aria-label={label}
      value={value}
      onValueChange={(chosen) => onChange(chosen as Value)}
      className="inline-flex max-w-full flex-wrap gap-1 rounded-xl bg-sunken p-1"
    >
      {choices.map(({ value: each, label: name }) => (
        <Radio.Root
          key={each}
          value={each}
          className="flex h-8 cursor-pointer select-none items-center rounded-lg px-3 font-medium text-muted text-sm tabular-nums transition-colors hover:text-ink data-checked:bg-raised data-checked:text-ink data-checked:shadow-card pointer-coarse:h-10"
        >
          {name}
        </Radio.Root>
      ))}
    </RadioGroup>
  )
}
