module github.com/roost-dev/roost/cmd/roost

go 1.27.0

require (
	github.com/evanw/esbuild v0.28.2
	github.com/roost-dev/roost v0.0.0
	golang.org/x/sys v0.49.0
)

replace github.com/roost-dev/roost => ../../
