// Package roosttest tests channels in memory: no port, no sleep, and in a
// bubble of testing/synctest no time either.
//
//	synctest.Test(t, func(t *testing.T) {
//		ada := roosttest.Connect(t, server, &roosttest.Options{Params: map[string]string{"token": token}})
//		room := ada.Join("videos:1", JoinVideo{})
//		room.Call(NewAnnotation, AnnotationInput{At: 12, Body: "look"})
//		got := room.ExpectBroadcast(Annotated)
//		...
//		room.ExpectNothing()
//	})
//
// Frames are encoded and decoded as for a client on the network, so what a
// test sees is what a client sees. Make the server inside the bubble.
package roosttest
