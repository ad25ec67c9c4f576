package roost_test

import (
	"context"
	"encoding/json/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/roost-dev/roost"
	"github.com/roost-dev/roost/contract"
)

type (
	join   struct{ Since int8 }
	joined struct{ Secret *bool }
	pause  struct{ For time.Duration }

	// viewers are a presence whose metas are of type M.
	viewers[M any] struct{}
)

func (*viewers[M]) MetaType() reflect.Type { return reflect.TypeFor[M]() }

// described returns a handler with events of every sort.
func described() *roost.Handler[user, room] {
	h := roost.NewHandler(func(context.Context, *roost.Channel[room], *roost.Socket[user], join) (joined, error) {
		return joined{}, nil
	}, nil)
	h.HandleIn(roost.NewIn[say, count]("say"), handle)
	h.HandleIn(roost.NewIn[say, roost.Ack]("ack"), handle)
	h.HandleIn(roost.NewIn[say, roost.NoReply]("noreply"), handle)
	h.HandleIn(roost.NewIn[[]byte, []byte]("bytes"), handle)
	h.HandleIn(roost.NewIn[roost.Payload, roost.Payload]("payload"), handle)
	h.HandleOut(roost.NewOut[said]("intercepted"), func(_ context.Context, _ *roost.Channel[room], v said) (said, bool, error) {
		return v, true, nil
	})
	h.HandleEvent(roost.NewOut[say]("of another topic"), func(context.Context, *roost.Channel[room], string, say) error { return nil })
	h.Emits(roost.NewOut[map[string]int8]("counts"), roost.NewOut[said]("intercepted"))
	h.Tracks((*viewers[count])(nil), &viewers[said]{})
	return h
}

func handle[P, R any](context.Context, *roost.Channel[room], P) (reply R, err error) {
	return reply, nil
}

func TestAContractHasEverythingThatIsRegistered(t *testing.T) {
	server := bareServer()
	server.Handle("z:*", roost.NewHandler(func(context.Context, *roost.Channel[room], *roost.Socket[user], struct{}) (roost.Ack, error) {
		return roost.Ack{}, nil
	}, nil))
	server.Handle("z:{id}", described())
	c, err := server.Contract()
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	wants := strings.NewReplacer("\n", "", "\t", "", "'", `"`, "T.", "github.com/roost-dev/roost_test.").Replace(`{'channels':[
		{'topic':'z:*','params':{'kind':'object'},'joined':{'kind':'object'},'in':[],'out':[]},
		{'topic':'z:{id}','params':{'kind':'named','ref':'T.join'},'joined':{'kind':'named','ref':'T.joined'},
			'in':[
				{'event':'ack','payload':{'kind':'named','ref':'T.say'},'reply':{'kind':'object'}},
				{'event':'bytes','payload':{'kind':'bytes'},'reply':{'kind':'bytes'}},
				{'event':'noreply','payload':{'kind':'named','ref':'T.say'}},
				{'event':'payload','payload':{'kind':'any'},'reply':{'kind':'any'}},
				{'event':'say','payload':{'kind':'named','ref':'T.say'},'reply':{'kind':'named','ref':'T.count'}}],
			'out':[
				{'event':'counts','payload':{'kind':'map','elem':{'kind':'integer','format':'int8'}}},
				{'event':'intercepted','payload':{'kind':'named','ref':'T.said'}}],
			'metas':[{'kind':'named','ref':'T.count'},{'kind':'named','ref':'T.said'}]}],
		'types':{
			'T.count':{'kind':'object','fields':[{'name':'n','type':{'kind':'integer','format':'int64'},'source':'T.count.N'}]},
			'T.join':{'kind':'object','fields':[{'name':'Since','type':{'kind':'integer','format':'int8'},'source':'T.join.Since'}]},
			'T.joined':{'kind':'object','fields':[{'name':'Secret','type':{'kind':'boolean','null':true},'source':'T.joined.Secret'}]},
			'T.said':{'kind':'object','fields':[
				{'name':'by','type':{'kind':'string'},'source':'T.said.By'},
				{'name':'text','type':{'kind':'string'},'source':'T.said.Text'}]},
			'T.say':{'kind':'object','fields':[{'name':'text','type':{'kind':'string'},'source':'T.say.Text'}]}}}`)
	if string(got) != wants {
		t.Errorf("the contract is\n%s\nwant\n%s", got, wants)
	}
}

func TestAContractNamesWhatHasNoForm(t *testing.T) {
	server := bareServer()
	h := new(app).handler()
	h.Emits(roost.NewOut[pause]("wait"))
	server.Handle("room:{id}", h)
	c, err := server.Contract()
	if c != nil || err == nil {
		t.Fatalf("the contract is %v, %v", c, err)
	}
	for _, word := range []string{`"room:{id}"`, "wait", "field For of roost_test.pause", "time.Duration"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error is %v, want it to say %q", err, word)
		}
	}
}

func TestAServerWithoutHandlersHasAnEmptyContract(t *testing.T) {
	c, err := bareServer().Contract()
	if err != nil || len(c.Channels) != 0 || !reflect.DeepEqual(c.Types, map[string]contract.Type{}) {
		t.Errorf("it is %+v, %v", c, err)
	}
}

// bareServer returns a server without handlers.
func bareServer() *roost.Server[user] {
	return roost.NewServer(func(context.Context, *roost.ConnectRequest) (user, error) { return user{}, nil }, nil)
}
