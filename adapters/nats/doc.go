// Package nats joins nodes over NATS: over servers that exist ([New]), or over
// one inside each node ([Embed]), with nothing else to run.
package nats
