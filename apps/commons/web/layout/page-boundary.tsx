/** A page that breaks takes nothing else with it: the navigation stays, and the person is told what can be done. */
import { RefreshCw, TriangleAlert } from 'lucide-react'
import { Component, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'

interface State {
  readonly error: unknown
}

export class PageBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: undefined }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error === undefined) return this.props.children
    const action = (
      <Button icon={RefreshCw} onClick={() => globalThis.location.reload()}>
        Load it again
      </Button>
    )
    return (
      <EmptyState isPage icon={TriangleAlert} title="This page broke" action={action}>
        {/* After a new version of the server, an old page may ask for files that are no more. */}
        Something in it went wrong, or there is a newer version of it.
      </EmptyState>
    )
  }
}
