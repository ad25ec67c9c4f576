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

const socket = new Socket("/socket", { params: { name } })
socket.connect()
const channel = videos(socket, { id: 1 })

function show({ by, at, body }: Annotation) {
  const item = list.appendChild(document.createElement("li"))
  item.append(`${(at / 1000).toFixed(1)} s `, Object.assign(document.createElement("b"), { textContent: by }), ` ${body}`)
  item.scrollIntoView()
}

channel.on("annotation_added", show)
channel.onError(() => (status.textContent = "Offline. Trying again …"))
channel.join().receive("ok", (joined) => {
  status.textContent = `Online as ${name}.`
  title.textContent = joined.title
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
