/** The cards in one's hand: laid by a click or by their number key, and changed until the cards are turned. */
import clsx from 'clsx'
import { type ReactElement, useEffect } from 'react'

export interface HandProps {
  readonly cards: readonly number[]
  readonly chosen: number | undefined
  /** The cards have been turned: nothing can be laid. */
  readonly isOpen: boolean
  readonly onChoose: (card: number) => void
}

export function Hand({ cards, chosen, isOpen, onChoose }: HandProps): ReactElement {
  useEffect(() => {
    const handleKey = ({ key, target, ctrlKey, metaKey, altKey }: KeyboardEvent): void => {
      const isTyping = target instanceof HTMLElement && target.matches('input, textarea, select')
      const card = Number(key)
      if (!isOpen && !isTyping && !ctrlKey && !metaKey && !altKey && cards.includes(card)) onChoose(card)
    }
    globalThis.addEventListener('keydown', handleKey)
    return () => globalThis.removeEventListener('keydown', handleKey)
  }, [cards, isOpen, onChoose])

  return (
    <fieldset className="mt-6">
      <legend className="mx-auto mb-3 text-muted text-sm">
        {isOpen ? 'Your cards' : chosen === undefined ? 'Play a card' : 'You can still change it'}
      </legend>
      <div className="flex flex-wrap justify-center gap-1.5 sm:gap-2">
        {cards.map((card) => (
          <button
            key={card}
            type="button"
            disabled={isOpen}
            aria-pressed={card === chosen}
            aria-label={`Card ${card}`}
            onClick={() => onChoose(card)}
            className={clsx(
              'grid h-16 w-10 place-items-center rounded-xl border sm:h-20 sm:w-14 font-semibold text-2xl tabular-nums shadow-card transition-transform',
              card === chosen
                ? '-translate-y-2 border-accent bg-accent text-on-accent'
                : 'border-edge bg-raised hover:-translate-y-1 hover:border-accent',
              'disabled:translate-y-0 disabled:opacity-60',
            )}
          >
            {card}
          </button>
        ))}
      </div>
    </fieldset>
  )
}
