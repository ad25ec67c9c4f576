package transport_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/roost-dev/roost/transport"
)

// Who may connect is for an application to say where the usual rule, pages of
// the same host, does not do.
func Example() {
	own := transport.OriginPolicy{} // the zero value
	for _, origin := range []string{"https://rumbl.test:8443", "https://evil.test", ""} {
		r := httptest.NewRequest(http.MethodGet, "https://rumbl.test/socket/websocket", nil)
		if origin != "" { // a page sends one, other clients do not
			r.Header.Set("Origin", origin)
		}
		fmt.Printf("%q %v\n", origin, own.Check(r) == nil)
	}
	// Output:
	// "https://rumbl.test:8443" true
	// "https://evil.test" false
	// "" true
}

func ExampleOriginFunc() {
	policy := transport.OriginFunc(func(_ *http.Request, origin *url.URL) bool {
		return origin.Scheme == "https" && strings.HasSuffix(origin.Host, ".customers.test") // asked of a database
	})
	for _, origin := range []string{"https://acme.customers.test", "null"} {
		r := httptest.NewRequest(http.MethodGet, "https://rumbl.test/socket/websocket", nil)
		r.Header.Set("Origin", origin)
		fmt.Println(origin, policy.Check(r) == nil)
	}
	// Output:
	// https://acme.customers.test true
	// null false
}

func ExampleAnyOrigin() {
	r := httptest.NewRequest(http.MethodGet, "https://rumbl.test/socket/websocket", nil)
	r.Header.Set("Origin", "https://anywhere.test")
	fmt.Println(transport.AnyOrigin().Check(r))
	// Output: <nil>
}

func ExampleParseParams() {
	params, err := transport.ParseParams("token=abc&user[name]=Ann&user[admin]=true&tags[]=a&tags[]=b&vsn=2.0.0")
	fmt.Println(params, err)
	// Output: map[tags:[a b] token:abc user:map[admin:true name:Ann] vsn:2.0.0] <nil>
}
