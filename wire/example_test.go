package wire_test

import (
	"fmt"

	"github.com/roost-dev/roost/wire"
)

// A client's push, and the reply to it.
func Example() {
	push, err := wire.V2.DecodeClient([]byte(`["1","2","room:1","say",{"text":"hello"}]`), false)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s\n", push.Event, push.Payload.Data)

	reply, binary, err := wire.V2.AppendReply(nil, push.JoinRef, push.Ref, push.Topic, wire.StatusOK, wire.Payload{Data: []byte(`{}`)})
	fmt.Printf("%s %t %v\n", reply, binary, err)
	// Output:
	// say {"text":"hello"}
	// ["1","2","room:1","phx_reply",{"response":{},"status":"ok"}] false <nil>
}

func ExampleNegotiate() {
	for _, vsn := range []string{"2.0.0", "1.0.3", "3.0.0"} {
		version, err := wire.Negotiate(vsn)
		fmt.Println(vsn, version == wire.V2, err != nil)
	}
	// Output:
	// 2.0.0 true false
	// 1.0.3 false false
	// 3.0.0 false true
}

// A string is the same however it was written.
func ExampleString() {
	m, err := wire.V2.DecodeClient([]byte(`[null,null,"\u0072oom:1","say",{}]`), false)
	fmt.Println(m.Topic == wire.String("room:1"), err)
	// Output: true <nil>
}
