/** Everything there is, with what is left and who looks. */
import { Eye } from 'lucide-react'
import type { ReactElement } from 'react'
import { Link } from 'wouter'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { money } from './money.ts'
import { Picture } from './picture.tsx'
import { Stock } from './stock.tsx'
import { useProducts } from './use-products.ts'

export function ProductsView(): ReactElement {
  const { data: products, error, reload } = useProducts()
  if (!products) return <NotLoaded what="products" error={error} onRetry={reload} />
  return (
    <ul aria-label="Products" className="grid grid-cols-1 gap-4 sm:grid-cols-2 lg:grid-cols-3">
      {products.map(({ productId, name, priceCents, stock, viewers, hue }) => (
        <li key={productId}>
          <Link
            href={`/p/${productId}`}
            className="group block h-full overflow-hidden rounded-xl border border-line bg-surface shadow-card transition-colors hover:border-accent"
          >
            <Picture productId={productId} hue={hue} className="aspect-[3/2] w-full" />
            <span className="block p-4">
              <span className="flex items-baseline justify-between gap-3">
                <span className="font-medium">{name}</span>
                <span className="shrink-0 font-medium tabular-nums">{money(priceCents)}</span>
              </span>
              <span className="mt-2 flex items-center justify-between gap-3 text-muted text-sm">
                <Stock stock={stock} />
                {viewers > 0 && (
                  <span className="inline-flex items-center gap-1 tabular-nums">
                    <Eye aria-hidden size={14} />
                    {viewers}
                    <span className="sr-only">{viewers === 1 ? 'person viewing' : 'people viewing'}</span>
                  </span>
                )}
              </span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  )
}
