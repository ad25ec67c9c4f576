import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { promisify } from "node:util"

const run = promisify(execFile)
const source = new URL("../..", import.meta.url).pathname // of build/test
let folder: string
let files: string[]

/** Packs the client as for npm, and installs that in a folder of its own. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roost-client-"))
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: source })
  // The scripts that npm runs for it may print as well, before.
  const [packed] = JSON.parse(stdout.slice(stdout.lastIndexOf("\n[\n") + 1))
  files = packed.files.map(({ path }: { path: string }) => path)
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(folder, packed.filename)], { cwd: folder })
})
after(() => rm(folder, { recursive: true, force: true }))

/** Runs a module in the folder, and gives what it prints. */
async function node(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return (await run(process.execPath, [name], { cwd: folder })).stdout.trim()
}

test("the package has its modules with their types, a README and the license, and nothing else", () => {
  const others = files.filter((path) => !/^dist\/[a-z-]+\.(js|d\.ts)$/.test(path))
  assert.deepEqual(others.sort(), ["LICENSE", "README.md", "package.json"])
  for (const entry of ["dist/index.js", "dist/index.d.ts", "dist/core.js", "dist/core.d.ts"]) assert.ok(files.includes(entry), entry)
})

test("the package has no dependencies and no side effects", async () => {
  const manifest = JSON.parse(await readFile(join(folder, "node_modules/@roost-dev/client/package.json"), "utf8"))
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.sideEffects, false)
})

test("Node imports it, without a page", async () => {
  const text = `
    import * as client from "@roost-dev/client"
    import * as core from "@roost-dev/client/core"
    const socket = new client.Socket("ws://example.test/socket", { transport: client.LongPoll })
    const channel = socket.channel("room:1")
    new client.Presence(channel)
    console.log(typeof window, typeof document, channel.state, core.Presence === client.Presence, "LongPoll" in core)`
  assert.equal(await node("import.js", text), "undefined undefined closed true false")
})

test("a worker imports it", async () => {
  const text = `
    import { Worker } from "node:worker_threads"
    const url = import.meta.resolve("@roost-dev/client")
    new Worker(\`import(\${JSON.stringify(url)}).then(({ Socket }) => console.log(typeof Socket))\`, { eval: true })`
  assert.equal(await node("worker.js", text), "function")
})

test("a program is checked against its types, and a wrong one is refused", async () => {
  // typed.ts marks what is to be refused.
  const programs = ["typed.ts", "phoenix-typed.ts"]
  const texts = await Promise.all(programs.map((name) => readFile(join(source, "test", name), "utf8")))
  assert.match(texts[0]!, /@ts-expect-error/)
  for (const [i, text] of texts.entries()) await writeFile(join(folder, programs[i]!), text.replaceAll("../src/index.js", "@roost-dev/client"))
  const compilerOptions = { target: "ES2022", lib: ["ES2022", "DOM"], types: [], module: "NodeNext", strict: true, exactOptionalPropertyTypes: true, noEmit: true }
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: programs }))
  const tsc = join(source, "node_modules/.bin/tsc")
  const output = await run(tsc, ["-p", folder]).then(() => "", ({ stdout }) => stdout)
  assert.equal(output, "")
})
