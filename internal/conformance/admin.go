package main

import (
	"context"
	"encoding/hex"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/roost-dev/roost/presence"
	"github.com/roost-dev/roost/pubsub"
)

// admin serves what tests do to the application from outside.
type admin struct {
	ps      *pubsub.PubSub
	mounts  []mount
	members *presence.Presence[member]
}

func (a admin) register(mux *http.ServeMux) {
	mux.HandleFunc("/admin/broadcast", a.broadcast)
	mux.HandleFunc("/admin/broadcast_bin", a.broadcastBinary)
	mux.HandleFunc("/admin/disconnect", a.disconnect)
	mux.HandleFunc("/admin/kick", a.kick)
	mux.HandleFunc("/admin/presence", a.presence)
	mux.HandleFunc("/admin/sockets", a.sockets)
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

func (a admin) kick(w http.ResponseWriter, r *http.Request) {
	answer(w, a.ps.Kick(r.Context(), "user_socket:"+r.FormValue("user"), r.FormValue("topic"), "kicked"))
}

// gatherBound is how long other nodes are waited for.
const gatherBound = 2 * time.Second

// presence says who is present on a topic, on all nodes.
func (a admin) presence(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), gatherBound)
	defer cancel()
	answerJSON(w, func() (any, error) { return a.members.ListAll(ctx, r.FormValue("topic"), 0) })
}

// sockets says which sockets all nodes hold.
func (a admin) sockets(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), gatherBound)
	defer cancel()
	answerJSON(w, func() (any, error) {
		return a.ps.Sockets(ctx, &pubsub.SocketQuery{Topic: r.FormValue("topic"), Limit: 10_000})
	})
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
	info := a.ps.Info()
	peers := []string{}
	for _, m := range info.Members {
		peers = append(peers, m.Name)
	}
	answerJSON(w, func() (any, error) {
		return map[string]any{
			"pid":        os.Getpid(),
			"versions":   versions(),
			"goroutines": runtime.NumGoroutine(),
			"heap_bytes": memory.HeapAlloc,
			"sockets":    sockets,
			"channels":   channels,
			"node":       info.Node,
			"peers":      peers,
			"engine":     info.Engine.State.String(),
			"lost":       info.Engine.Lost,
			"received":   info.Received,
		}, nil
	})
}

func answerJSON(w http.ResponseWriter, find func() (any, error)) {
	v, err := find()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.MarshalWrite(w, v, json.Deterministic(true)); err != nil {
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
