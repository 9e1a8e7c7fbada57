/** Names what it is wrapped around, on hover and on keyboard focus. The name itself must be there without it. */
import { Tooltip as Base } from '@base-ui/react/tooltip'
import type { ReactElement } from 'react'

export function Tooltip({ text, children }: { text: string; children: ReactElement }): ReactElement {
  return (
    <Base.Root>
      <Base.Trigger render={children} delay={400} />
      <Base.Portal>
        <Base.Positioner sideOffset={6} className="z-50">
          <Base.Popup className="animate-appear rounded-md bg-ink px-2 py-1 text-ground text-xs shadow-float">
            {text}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
