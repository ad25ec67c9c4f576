// The script of the page.

import { PushError, Socket } from "@roost-dev/client"
import { type Annotation, videos } from "./contract.js"

const title = document.querySelector<HTMLElement>("#title")!
const status = document.querySelector<HTMLElement>("#status")!
const video = document.querySelector<HTMLVideoElement>("#video")!
const list = document.querySelector<HTMLElement>("#annotations")!
const form = document.querySelector<HTMLFormElement>("form")!
const input = document.querySelector<HTMLInputElement>("#body")!

const name = new URLSearchParams(location.search).get("name") || `Guest ${Math.ceil(Math.random() * 999)}`

const login = await fetch("/login", { method: "POST", body: new URLSearchParams({ name }) })
const socket = new Socket("/socket", { authToken: await login.text() })
socket.connect()
let lastSeenId = 0 // the last annotation that a join brought
const channel = videos(socket, { id: 1 }, () => ({ last_seen_id: lastSeenId }))

function show({ id, by, at, body }: Annotation) {
  if (document.getElementById(`annotation-${id}`)) return // it came live before
  const item = list.appendChild(document.createElement("li"))
  item.id = `annotation-${id}`
  item.append(`${(at / 1000).toFixed(1)} s `, Object.assign(document.createElement("b"), { textContent: by }), ` ${body}`)
  item.scrollIntoView()
}

channel.on("annotation_added", show)
channel.onError(() => (status.textContent = "Offline. Trying again …"))
channel.join().receive("ok", (joined) => {
  status.textContent = `Online as ${name}.`
  title.textContent = joined.title
  joined.annotations.forEach(show)
  lastSeenId = joined.annotations.at(-1)?.id ?? lastSeenId
})

form.addEventListener("submit", async (event) => {
  event.preventDefault()
  try {
    await channel.push("new_annotation", { at: Math.round(video.currentTime * 1000), body: input.value })
    input.value = ""
  } catch (refusal) {
    if (!(refusal instanceof PushError)) throw refusal
    status.textContent = `Not sent: ${refusal.response.error ?? refusal.reason}.`
  }
})
