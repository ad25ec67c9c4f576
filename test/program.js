import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import tests from "node:process"
import { createInterface } from "node:readline"
import { promisify } from "node:util"

const root = new URL("..", import.meta.url).pathname
const START_WITHIN = 30_000 // milliseconds
const END_WITHIN = 30_000

// Of the command under test, such as -no-poller.
const FURTHER_FLAGS = (tests.env.PROGRAM_FLAGS ?? "").split(" ").filter(Boolean)

/**
 * A command of this repository, built with the race detector. It is started on a free port of this machine, and keeps that port when
 * it is started again.
 */
export class Program {
  #binary
  #flags
  #ready
  #folder
  #process = null
  #log = []
  #lines
  #printed = []

  /** host:port, once it was started. */
  address = "127.0.0.1:0"

  /**
   * Builds the command in a folder of the repository. It is to take -addr, and the flags given; ready matches what it prints when
   * it serves, and captures host:port.
   */
  static async build(pkg, ready, flags = () => []) {
    const folder = await mkdtemp(join(tmpdir(), "roost-test-"))
    const program = new Program()
    program.#folder = folder
    program.#binary = join(folder, "program")
    program.#flags = flags(folder)
    program.#ready = ready
    const env = { ...tests.env, GOTOOLCHAIN: "auto" }
    try {
      await promisify(execFile)("go", ["build", "-race", "-o", program.#binary, "."], { cwd: join(root, pkg), env })
    } catch (error) {
      await program.close()
      throw new Error(`go build ${pkg} failed:\n${error.stderr}`)
    }
    return program
  }

  /** The file that was built. */
  get binary() {
    return this.#binary
  }

  /** Starts it, and resolves when it serves. */
  async start() {
    const env = { ...tests.env, GORACE: "atexit_sleep_ms=10" } // it waits for a second otherwise
    const process = spawn(this.#binary, ["-addr", this.address, ...this.#flags, ...FURTHER_FLAGS], { env, stdio: ["ignore", "pipe", "pipe"] })
    this.#process = process
    this.#log = []
    this.#printed = []
    const orphaned = () => process.kill("SIGKILL") // should the tests die without an end
    tests.once("exit", orphaned)
    process.once("exit", () => tests.off("exit", orphaned))
    process.stderr.on("data", (chunk) => this.#log.push(chunk))
    const lines = createInterface({ input: process.stdout })
    this.#lines = lines.on("line", (line) => this.#printed.push(line))
    const ready = new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const found = this.#ready.exec(line)
        if (found) resolve(found[1])
      })
      process.once("exit", (code, signal) => reject(new Error(`it ended with ${code ?? signal} before it served`)))
      process.once("error", reject)
      setTimeout(() => reject(new Error("it does not serve")), START_WITHIN).unref()
    })
    this.address = await ready.catch((error) => {
      process.kill("SIGKILL")
      throw this.#explained(error)
    })
  }

  /** Resolves with the match of the nth line that fits the pattern, of those that it prints since it was started. */
  async prints(pattern, nth = 1) {
    for (const deadline = AbortSignal.timeout(START_WITHIN); ; await once(this.#lines, "line", { signal: deadline })) {
      const found = this.#printed.map((line) => pattern.exec(line)).filter(Boolean)
      if (found.length >= nth) return found[nth - 1]
    }
  }

  /** Ends it in good order, and rejects if it does not end so: also when the race detector has found something. */
  async stop() {
    const process = this.#process
    this.#process = null
    if (process.exitCode === null) process.kill("SIGTERM")
    const stuck = setTimeout(() => process.kill("SIGQUIT"), END_WITHIN) // Go then tells where it hangs
    const [code, signal] = await ended(process)
    clearTimeout(stuck)
    if (code !== 0) throw this.#explained(new Error(`it ended with ${code ?? signal}`))
  }

  /** Ends it as a crash would. */
  async kill() {
    const process = this.#process
    this.#process = null
    process.kill("SIGKILL")
    await ended(process)
  }

  /** Ends it if it runs, and removes what it left. */
  async close() {
    try {
      if (this.#process) await this.stop()
    } finally {
      await rm(this.#folder, { recursive: true, force: true })
    }
  }

  #explained(error) {
    error.message += `; it said:\n${Buffer.concat(this.#log).toString().slice(-20_000)}`
    return error
  }
}

async function ended(process) {
  if (process.exitCode === null && process.signalCode === null) await once(process, "exit")
  return [process.exitCode, process.signalCode]
}
