package replay

import "testing"

func TestAnAnswerIsComparedWhereItMatters(t *testing.T) {
	const poll = `{"messages":["[null,null,\"t\",\"a\",{}]","[null,null,\"t\",\"b\",{}]"],"status":200,"token":"T"}`
	h := func(pairs ...string) (headers [][2]string) {
		for i := 0; i < len(pairs); i += 2 {
			headers = append(headers, [2]string{pairs[i], pairs[i+1]})
		}
		return headers
	}
	for _, c := range []struct {
		name      string
		offer     string // of extensions
		want, got Response
		same      bool
	}{
		{"the server's own headers", "", Response{200, h("date", "a", "vary", "b"), ""}, Response{200, h("server", "c"), ""}, true},
		{"status", "", Response{403, nil, ""}, Response{400, nil, ""}, false},
		{"no-store", "", Response{200, h("cache-control", "no-store"), ""}, Response{200, nil, ""}, false},
		{"Plug's cache-control", "", Response{200, h("cache-control", "private"), ""}, Response{200, nil, ""}, true},
		{"a CORS header too many", "", Response{200, nil, ""}, Response{200, h("Access-Control-Max-Age", "1"), ""}, false},
		{"content type", "", Response{200, h("content-type", "a/b"), ""}, Response{200, h("Content-Type", "a/c"), ""}, false},
		{"a body where there was none", "", Response{403, nil, ""}, Response{403, nil, "why"}, false},
		{"another body", "", Response{429, nil, "Too many"}, Response{429, nil, "Too few"}, false},
		{"wording of a refused upgrade", "", Response{400, nil, "'upgrade' header is absent"},
			Response{400, nil, "Upgrade is missing"}, true},
		{"wrong header named", "", Response{400, nil, "'sec-websocket-key' header is absent"},
			Response{400, nil, "Upgrade is missing"}, false},
		{"the error view's wording", "", Response{500, nil, `{"errors":{}}`}, Response{500, nil, "oops"}, true},
		{"messages spelled otherwise", "", Response{200, nil, poll}, Response{200, nil,
			`{"token":"U","status":200,"messages":["[null, null,\"t\",\"a\",{ }]","[null,null,\"t\",\"b\",{}]"]}`}, true},
		{"messages in another order", "", Response{200, nil, poll}, Response{200, nil,
			`{"token":"U","status":200,"messages":["[null,null,\"t\",\"b\",{}]","[null,null,\"t\",\"a\",{}]"]}`}, false},
		{"a message lost", "", Response{200, nil, poll}, Response{200, nil,
			`{"token":"U","status":200,"messages":["[null,null,\"t\",\"a\",{}]"]}`}, false},
		{"accept", "", Response{101, h("upgrade", "websocket", "connection", "Upgrade", "sec-websocket-accept", "x"), ""},
			Response{101, h("upgrade", "websocket", "connection", "Upgrade", "sec-websocket-accept", "y"), ""}, false},
		{"not upgraded", "", Response{101, h("upgrade", "websocket", "connection", "Upgrade"), ""}, Response{101, nil, ""}, false},
		{"protocol chosen though none was", "", Response{101, h("upgrade", "websocket", "connection", "upgrade"), ""},
			Response{101, h("upgrade", "websocket", "connection", "upgrade", "sec-websocket-protocol", "a"), ""}, false},
	} {
		step := Step{Response: &c.want, Headers: map[string]any{}}
		if err := newBindings().matchResponse(&step, &c.got); (err == nil) != c.same {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAnExtensionAnswersItsOffer(t *testing.T) {
	const accepted = "permessage-deflate;client_max_window_bits=15"
	for _, c := range []struct {
		offer, recorded, got string
		ok                   bool
	}{
		{"permessage-deflate; client_max_window_bits", accepted, "permessage-deflate", true},
		{"permessage-deflate; client_max_window_bits", accepted, "permessage-deflate; client_max_window_bits=9", true},
		{"permessage-deflate", accepted, "permessage-deflate; client_max_window_bits=9", false},
		{"permessage-deflate", accepted, "permessage-deflate; server_no_context_takeover; client_no_context_takeover", true},
		{"permessage-deflate; server_no_context_takeover", accepted, "permessage-deflate", false},
		{"permessage-deflate; server_max_window_bits=10", accepted, "permessage-deflate", false},
		{"permessage-deflate; server_max_window_bits=10", accepted, "permessage-deflate; server_max_window_bits=12", false},
		{"permessage-deflate; server_max_window_bits=10", accepted, "permessage-deflate; server_max_window_bits=10", true},
		{"permessage-deflate", accepted, "permessage-deflate; surprise", false},
		{"permessage-deflate", accepted, "", false},
		{"permessage-deflate", "", "permessage-deflate", false},
		{"permessage-deflate", "", "", true},
	} {
		step := Step{
			Headers:  map[string]any{"sec-websocket-extensions": c.offer},
			Response: &Response{Headers: [][2]string{{"sec-websocket-extensions", c.recorded}}},
		}
		got := &Response{Headers: [][2]string{{"sec-websocket-extensions", c.got}}}
		if err := matchExtensions(&step, got); (err == nil) != c.ok {
			t.Errorf("offer %q, answer %q: %v", c.offer, c.got, err)
		}
	}
}
