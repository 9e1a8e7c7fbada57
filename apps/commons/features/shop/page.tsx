/** The shop: what there is to buy for everyone, the desk for who sells, the waiting list for who helps. B27, B28. */
import clsx from 'clsx'
import { Headset, LifeBuoy, Package, ShoppingBag, Store } from 'lucide-react'
import type { ReactElement } from 'react'
import { Link, Route, Switch, useLocation } from 'wouter'
import { InNamespace } from '../../web/session/in-namespace.tsx'
import { useMe } from '../../web/session/use-me.ts'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { DeskView } from './desk-view.tsx'
import { HelpView } from './help-view.tsx'
import { OrdersView } from './orders-view.tsx'
import { ProductView } from './product-view.tsx'
import { ProductsView } from './products-view.tsx'
import { WaitingView } from './waiting-view.tsx'

const VIEWS = [
  { path: '/', title: 'Products', icon: ShoppingBag, roles: undefined },
  { path: '/orders', title: 'My orders', icon: Package, roles: undefined },
  { path: '/help', title: 'Help', icon: LifeBuoy, roles: undefined },
  { path: '/desk', title: 'Desk', icon: Store, roles: ['seller', 'admin'] },
  { path: '/support', title: 'Support', icon: Headset, roles: ['support', 'admin'] },
] as const

export function Page(): ReactElement {
  return (
    <PageBody>
      <PageHeader title="Shop" description="Stock updates live for everyone." />
      <Views />
      <Switch>
        <Route path="/orders">
          <InNamespace name="/customer">
            <OrdersView />
          </InNamespace>
        </Route>
        <Route path="/help">
          <InNamespace name="/customer">
            <HelpView />
          </InNamespace>
        </Route>
        <Route path="/desk">
          <InNamespace name="/seller">
            <DeskView />
          </InNamespace>
        </Route>
        <Route path="/support/:user?">
          <WaitingView />
        </Route>
        <Route path="/p/:productId">{({ productId }) => <ProductView key={productId} productId={productId} />}</Route>
        <Route>
          <ProductsView />
        </Route>
      </Switch>
    </PageBody>
  )
}

function Views(): ReactElement {
  const [location] = useLocation()
  const role = useMe()?.role ?? ''
  return (
    <nav aria-label="Shop" className="mb-6 flex flex-wrap gap-1">
      {VIEWS.map(({ path, title, icon: Icon, roles }) => {
        if (roles && !(roles as readonly string[]).includes(role)) return null
        const isHere = path === '/' ? location === '/' || location.startsWith('/p/') : location.startsWith(path)
        return (
          <Link
            key={path}
            href={path}
            aria-current={isHere ? 'page' : undefined}
            className={clsx(
              'flex h-9 shrink-0 items-center gap-2 rounded-lg px-3 font-medium text-sm transition-colors pointer-coarse:h-11',
              isHere ? 'bg-accent-soft text-accent-strong' : 'text-muted hover:bg-ink/6 hover:text-ink',
            )}
          >
            <Icon aria-hidden size={16} />
            {title}
          </Link>
        )
      })}
    </nav>
  )
}
