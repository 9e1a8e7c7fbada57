/**
 * A page that breaks takes nothing else with it: the navigation stays. A page whose files could not be loaded, because the
 * connection was lost, is loaded again as soon as it is back.
 */
import { CloudOff, RefreshCw, TriangleAlert } from 'lucide-react'
import { Component, type ReactNode } from 'react'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageNotLoaded } from './load-page.ts'

interface Props {
  /** The server can be reached. */
  readonly isOnline: boolean
  /** Called before the children are rendered again. */
  readonly onRetry: () => void
  readonly children: ReactNode
}

interface State {
  readonly error: unknown
}

export class PageBoundary extends Component<Props, State> {
  override state: State = { error: undefined }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override componentDidMount(): void {
    addEventListener('online', this.tryAgain)
  }

  override componentDidUpdate({ isOnline: wasOnline }: Props): void {
    if (this.props.isOnline && !wasOnline) this.tryAgain()
  }

  override componentWillUnmount(): void {
    removeEventListener('online', this.tryAgain)
  }

  private readonly tryAgain = (): void => {
    if (!(this.state.error instanceof PageNotLoaded)) return
    this.props.onRetry()
    this.setState({ error: undefined })
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    if (error instanceof PageNotLoaded && !this.props.isOnline) {
      return (
        <EmptyState isPage icon={CloudOff} title="You’re offline">
          This page will open when you reconnect.
        </EmptyState>
      )
    }
    const action = (
      <Button icon={RefreshCw} onClick={() => globalThis.location.reload()}>
        Reload
      </Button>
    )
    return (
      <EmptyState isPage icon={TriangleAlert} title="Something went wrong" action={action}>
        Reload the page to try again.
      </EmptyState>
    )
  }
}
