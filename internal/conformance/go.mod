module github.com/roost-dev/roost/internal/conformance

go 1.27.0

require github.com/roost-dev/roost v0.0.0

replace github.com/roost-dev/roost => ../../
