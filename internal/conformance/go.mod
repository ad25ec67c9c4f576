module github.com/roost-dev/roost/internal/conformance

go 1.27.0

require github.com/roost-dev/roost v0.0.0

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/roost-dev/roost => ../../
