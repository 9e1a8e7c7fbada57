/** Parts of a page that are made from the code stand between `<!-- made: name -->` and `<!-- end: name -->`. */

/** @throws when the page lacks one of the sections, or has one that nothing makes. */
export function fillSections(page: string, sections: Readonly<Record<string, string>>): string {
  const marked = new Set(Array.from(page.matchAll(/<!-- made: ([a-z-]+) -->/g), ([, name]) => name as string))
  for (const name of marked) if (!(name in sections)) throw new Error(`Nothing makes the section ${name}`)
  let filled = page
  for (const [name, text] of Object.entries(sections)) {
    const [head, rest, ...more] = filled.split(`<!-- made: ${name} -->`)
    const [old, tail] = rest?.split(`<!-- end: ${name} -->`) ?? []
    if (old === undefined || tail === undefined || more.length > 0) throw new Error(`The page has no section ${name}`)
    filled = `${head}<!-- made: ${name} -->\n\n${text.trim()}\n\n<!-- end: ${name} -->${tail}`
  }
  return filled
}
