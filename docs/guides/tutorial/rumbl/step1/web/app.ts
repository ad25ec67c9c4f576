// The script of the page.

import { Socket } from "@roost-dev/client"
import { videos } from "./contract.js"

const title = document.querySelector<HTMLElement>("#title")!
const status = document.querySelector<HTMLElement>("#status")!

const name = new URLSearchParams(location.search).get("name") || `Guest ${Math.ceil(Math.random() * 999)}`

const socket = new Socket("/socket", { params: { name } })
socket.connect()
const channel = videos(socket, { id: 1 })

channel.onError(() => (status.textContent = "Offline. Trying again …"))
channel.join().receive("ok", (joined) => {
  status.textContent = `Online as ${name}.`
  title.textContent = joined.title
})
