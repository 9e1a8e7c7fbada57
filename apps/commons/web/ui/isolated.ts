/** What a person wrote, within a sentence that is a string: its direction does not turn the words around it. Elsewhere: `<bdi>`. */
export function isolated(text: string): string {
  return `\u2068${text}\u2069`
}
