module github.com/roost-dev/roost

go 1.27.0
