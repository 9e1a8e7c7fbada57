/** Slides as a person writes them: a title, its lines below it, an empty line before the next. */
import type { Slide } from './contract.ts'

const SLIDES_MAX = 50
const LINES_MAX = 8

/** @returns the slides, or a sentence that says what is wrong */
export function readSlides(text: string): readonly Slide[] | string {
  const slides = text
    .split(/\n\s*\n/)
    .map((block) =>
      block
        .split('\n')
        .map((line) => line.replace(/^\s*[-*•]\s+/, '').trim())
        .filter((line) => line !== ''),
    )
    .filter((lines) => lines.length > 0)
    .map(([title = '', ...lines]) => ({ title, lines }))
  if (slides.length === 0) return 'Add at least one slide'
  if (slides.length > SLIDES_MAX) return `A presentation can have up to ${SLIDES_MAX} slides`
  const long = slides.findIndex(({ lines }) => lines.length > LINES_MAX)
  if (long >= 0) return `Slide ${long + 1} has more than ${LINES_MAX} lines`
  const wide = slides.findIndex(({ title, lines }) => title.length > 120 || lines.some((line) => line.length > 240))
  if (wide >= 0) return `Slide ${wide + 1} has a line that’s too long`
  return slides
}
