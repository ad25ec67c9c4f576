// follow shows a video's annotations with the phoenix package as it is. What show is given again it knows by its id.
export function follow(socket, id, show) {
  let position // where this page stands in the topic's history
  const video = socket.channel(`videos:${id}`, () => ({ _history: position ? { after: position } : true }))

  // A kept event has its position in the place of the ref, and all other refs are numbers.
  video.onMessage = (_event, payload, ref) => {
    if (Number.isNaN(Number(ref ?? 0))) position = ref
    return payload
  }
  video.on("annotated", (annotation) => show([annotation]))
  video.join().receive("ok", ({ _history, snapshot = [] }) => {
    position = _history?.position
    show(snapshot)
  })
}
