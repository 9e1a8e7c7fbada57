/** A product's page: what it is, who else looks at it, what is left, and the button. */
import { ArrowLeft, Eye, PackageX } from 'lucide-react'
import type { ReactElement } from 'react'
import { Link } from 'wouter'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { InNamespace } from '../../web/session/in-namespace.tsx'
import { LinkButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { BuyButton } from './buy-button.tsx'
import { money } from './money.ts'
import { Picture } from './picture.tsx'
import { Stock, viewersInWords } from './stock.tsx'
import { useProduct } from './use-product.ts'

export function ProductView({ productId }: { productId: string }): ReactElement {
  const { data, error, reload } = useProduct(productId)
  if (error?.code === 'NOT_FOUND') {
    return (
      <EmptyState icon={PackageX} title="Product not found" action={<LinkButton to="/">All products</LinkButton>} />
    )
  }
  if (!data) return <NotLoaded what="the product" error={error} onRetry={reload} />
  const { product, count } = data
  return (
    <>
      <Link href="/" className="mb-4 inline-flex items-center gap-2 text-muted text-sm hover:text-ink">
        <ArrowLeft aria-hidden size={16} />
        All products
      </Link>
      <Card className="grid overflow-hidden md:grid-cols-2">
        <Picture productId={productId} hue={product.hue} className="aspect-[4/3] h-full w-full" />
        <div className="flex flex-col gap-4 p-5 sm:p-8">
          <h2 className="font-semibold text-xl tracking-tight">{product.name}</h2>
          <p className="text-muted">{product.description}</p>
          <p className="font-semibold text-2xl tabular-nums">{money(product.priceCents)}</p>
          <p className="flex flex-wrap items-center gap-3">
            <Stock stock={product.stock} />
            <span role="status" className="inline-flex items-center gap-1.5 text-muted text-sm">
              <Eye aria-hidden size={15} />
              {viewersInWords(count, true)}
            </span>
          </p>
          <InNamespace name="/customer">
            <BuyButton product={product} />
          </InNamespace>
        </div>
      </Card>
    </>
  )
}
