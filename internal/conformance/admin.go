package main

import (
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/roost-dev/roost/pubsub"
)

// admin serves what tests do to the application from outside.
type admin struct {
	ps     *pubsub.PubSub
	mounts []mount
}

func (a admin) register(mux *http.ServeMux) {
	mux.HandleFunc("/admin/broadcast", a.broadcast)
	mux.HandleFunc("/admin/broadcast_bin", a.broadcastBinary)
	mux.HandleFunc("/admin/disconnect", a.disconnect)
	mux.HandleFunc("/admin/gc", a.collect)
	mux.HandleFunc("/admin/info", a.info)
}

func (a admin) broadcast(w http.ResponseWriter, r *http.Request) {
	payload := jsontext.Value(r.FormValue("payload"))
	if len(payload) == 0 {
		payload = jsontext.Value("{}")
	}
	if !payload.IsValid() || payload.Kind() != '{' {
		http.Error(w, "payload must be a JSON object", http.StatusBadRequest)
		return
	}
	a.publish(w, r, payload, false)
}

func (a admin) broadcastBinary(w http.ResponseWriter, r *http.Request) {
	payload, err := hex.DecodeString(r.FormValue("hex"))
	if err != nil {
		http.Error(w, "hex: "+err.Error(), http.StatusBadRequest)
		return
	}
	a.publish(w, r, payload, true)
}

// publish takes any event, also those whose names an application may not use.
func (a admin) publish(w http.ResponseWriter, r *http.Request, payload []byte, binary bool) {
	err := a.ps.Broadcast(r.Context(), &pubsub.Message{
		Topic: r.FormValue("topic"), Event: r.FormValue("event"), Payload: payload, Binary: binary,
	})
	answer(w, err)
}

func (a admin) disconnect(w http.ResponseWriter, r *http.Request) {
	answer(w, a.ps.Disconnect(r.Context(), "user_socket:"+r.FormValue("user")))
}

func (a admin) collect(w http.ResponseWriter, _ *http.Request) {
	runtime.GC()
	debug.FreeOSMemory()
	answer(w, nil)
}

func (a admin) info(w http.ResponseWriter, _ *http.Request) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	sockets, channels := 0, 0
	for _, m := range a.mounts {
		sockets += m.server.Sockets()
		channels += m.server.Channels()
	}
	w.Header().Set("Content-Type", "application/json")
	err := json.MarshalWrite(w, map[string]any{
		"pid":        os.Getpid(),
		"versions":   versions(),
		"goroutines": runtime.NumGoroutine(),
		"heap_bytes": memory.HeapAlloc,
		"sockets":    sockets,
		"channels":   channels,
	}, json.Deterministic(true))
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

// versions tells what the program was built of.
func versions() map[string]string {
	found := map[string]string{"go": runtime.Version()}
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			found[module.Path] = module.Version
		}
	}
	return found
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "ok")
}
