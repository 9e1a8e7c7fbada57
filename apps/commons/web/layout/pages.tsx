/** Shows the page that the address names: loaded when first asked for, and held to itself when it breaks. */
import { Compass, LogIn, ShieldAlert } from 'lucide-react'
import { type ComponentType, type LazyExoticComponent, lazy, type ReactElement, Suspense } from 'react'
import { Route, Switch } from 'wouter'
import { HomePage } from '../home-page.tsx'
import { type PageEntry, pages } from '../pages.ts'
import { session } from '../session/session.ts'
import { useSession } from '../session/session-gate.tsx'
import { Button, LinkButton } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Loading } from '../ui/spinner.tsx'
import { mayOpen } from './audience.ts'
import { PageBoundary } from './page-boundary.tsx'

const components = new Map<PageEntry, LazyExoticComponent<ComponentType>>(
  pages.map((page) => [page, lazy(async () => ({ default: (await page.load()).Page }))]),
)

export function titleOf(location: string): string | undefined {
  return pages.find(({ path }) => location === path || location.startsWith(`${path}/`))?.title
}

export function Pages(): ReactElement {
  return (
    <Switch>
      <Route path="/">
        <HomePage />
      </Route>
      {pages.map((page) => (
        <Route key={page.path} path={page.path} nest>
          <OnePage page={page} />
        </Route>
      ))}
      <Route>
        <EmptyState isPage icon={Compass} title="There is no such page" action={<LinkButton to="/">Home</LinkButton>}>
          The address may be mistyped, or the page has moved.
        </EmptyState>
      </Route>
    </Switch>
  )
}

function OnePage({ page }: { page: PageEntry }): ReactElement | null {
  const current = useSession()
  const Component = components.get(page)
  if (!current || !Component) return null
  if (!mayOpen(page, current)) return current.kind === 'guest' ? <ForMembers page={page} /> : <ForAdmins page={page} />
  return (
    <PageBoundary key={page.path}>
      <Suspense fallback={<Loading what={`Opening ${page.title}…`} />}>
        <Component />
      </Suspense>
    </PageBoundary>
  )
}

function ForMembers({ page }: { page: PageEntry }): ReactElement {
  const action = (
    <Button tone="primary" icon={LogIn} onClick={() => session.end()}>
      Sign in or sign up
    </Button>
  )
  return (
    <EmptyState isPage icon={page.icon} title={`${page.title} needs an account`} action={action}>
      You are here as a guest. An account takes a name and a password.
    </EmptyState>
  )
}

function ForAdmins({ page }: { page: PageEntry }): ReactElement {
  return (
    <EmptyState
      isPage
      icon={ShieldAlert}
      title={`${page.title} is for administrators`}
      action={<LinkButton to="/">Home</LinkButton>}
    >
      Ask an administrator for the role, or sign in as one.
    </EmptyState>
  )
}
