import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"

const read = (name: string) => readFileSync(new URL(`../../test/${name}`, import.meta.url), "utf8")

test("README.md names tests that exist, in each row of its tables", () => {
  const rows = read("README.md").split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| What"))
  assert.ok(rows.length > 60)
  for (const row of rows) {
    const [, , where] = row.split("|") as [string, string, string]
    if (where.includes("not so here")) continue
    const titles = [...where.matchAll(/(?:([a-z]+): )?"([^"]*)"/g)]
    assert.ok(titles.length > 0, row)
    let file = ""
    for (const [, of, title] of titles) {
      file = of ?? file
      assert.ok(read(`${file}.test.ts`).includes(title!), `${file}.test.ts has no ${JSON.stringify(title)}`)
    }
  }
})
