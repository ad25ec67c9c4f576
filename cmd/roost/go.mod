module github.com/roost-dev/roost/cmd/roost

go 1.27.0

require (
	github.com/evanw/esbuild v0.28.2
	github.com/roost-dev/roost v0.0.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	golang.org/x/sys v0.49.0
)

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/roost-dev/roost => ../../
