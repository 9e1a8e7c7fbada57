/** Asks before something that cannot be undone: says what it does, and the button that does it says what it is. */
import type { LucideIcon } from 'lucide-react'
import { type ReactElement, type ReactNode, useRef } from 'react'
import { Button } from './button.tsx'
import { Actions, Cancel, Dialog, type DialogProps } from './dialog.tsx'

export interface ConfirmProps extends Pick<DialogProps, 'open' | 'onOpenChange' | 'title' | 'description'> {
  /** What the button does: "Delete". */
  readonly action: string
  readonly icon?: LucideIcon
  /** What the other button says. Default "Cancel". */
  readonly dismiss?: string
  /** It is under way. */
  readonly busy?: boolean
  readonly onConfirm: () => void
  /** What has to be said with it, such as a reason. */
  readonly children?: ReactNode
}

export function Confirm(props: ConfirmProps): ReactElement {
  // While it goes it still says what it asked, although what it was about is known no more.
  const asked = useRef(props)
  if (props.open) asked.current = props
  const { action, icon, dismiss = 'Cancel', busy = false, onConfirm, children, ...dialog } = asked.current
  return (
    <Dialog {...dialog} open={props.open}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!busy) onConfirm()
        }}
      >
        {children}
        <Actions>
          <Cancel>{dismiss}</Cancel>
          <Button type="submit" tone="danger" busy={busy} {...(icon && { icon })}>
            {action}
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}
