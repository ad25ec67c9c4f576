import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")

/**
 * Rejects if axe-core finds fault with the page as it is now: with its rules for WCAG 2.2 level AA, and those it calls best
 * practices. Animations must have ended, since a half transparent text has too little contrast.
 */
export async function assertAccessible(page) {
  // Evaluated rather than added to the page, whose policy allows no script of others.
  await page.evaluate(source)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    resultTypes: ["violations"],
  }))
  if (violations.length === 0) return
  const found = violations.map(({ id, help, nodes }) =>
    [`${id}: ${help}`, ...nodes.map(({ html, failureSummary }) => `  ${html}\n    ${failureSummary.replaceAll("\n", "\n    ")}`)].join("\n"))
  throw new Error(`axe-core on ${page.url()}:\n${found.join("\n")}`)
}
