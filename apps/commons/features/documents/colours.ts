/** A person's colour in a document: that of their avatar, by the same arithmetic. Styled in styles.css. */
export const COLOURS = ['teal', 'blue', 'indigo', 'purple', 'pink', 'orange', 'brown', 'green'] as const
export type Colour = (typeof COLOURS)[number]

export function colourOf(id: string): Colour {
  let value = 0
  for (const character of id) value = (value * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return COLOURS[value % COLOURS.length] as Colour
}
