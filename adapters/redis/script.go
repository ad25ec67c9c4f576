package redis

import (
	_ "embed" // of the scripts

	"github.com/redis/rueidis"
)

var (
	//go:embed state.lua
	stateLua string
	//go:embed append.lua
	appendLua string
	//go:embed read.lua
	readLua string

	appendScript = rueidis.NewLuaScript(stateLua + appendLua)
	readScript   = rueidis.NewLuaScript(stateLua + readLua)
)
