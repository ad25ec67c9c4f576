package cluster

// MaxServing is how many calls of others a node answers at a time.
const MaxServing = maxServing

// AnswerFrame is what a node sends that answers a call.
func AnswerFrame(from ID, number uint64, body []byte) []byte {
	return frame{op: opAnswer, from: from, number: number, body: body}.encode()
}
