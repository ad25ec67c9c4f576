module github.com/roost-dev/roost/adapters/redis

go 1.27.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/redis/rueidis v1.0.79
	github.com/roost-dev/roost v0.0.0
)

require golang.org/x/sys v0.49.0 // indirect

replace github.com/roost-dev/roost => ../../
