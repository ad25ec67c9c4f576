module github.com/roost-dev/roost/cmd/roost

go 1.27.0

require golang.org/x/sys v0.49.0

replace github.com/roost-dev/roost => ../../
