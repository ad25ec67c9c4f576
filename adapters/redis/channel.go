package redis

import (
	"strings"

	"github.com/roost-dev/roost/pubsub"
)

// Clusters find a channel by what stands between braces in its name, if there
// are any. Users name topics, and could have all of theirs at one server; and
// no key could be found at that of a channel like "a}". So channels have none.
var (
	escaper   = strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D")
	unescaper = strings.NewReplacer("%25", "%", "%7B", "{", "%7D", "}")
)

// channel returns the name of a subject's channel.
func (c *config) channel(subject string) string {
	if strings.ContainsAny(subject, "%{}") {
		subject = escaper.Replace(subject)
	}
	return c.prefix + subject
}

// subject returns whose channel it is.
func (c *config) subject(channel string) (subject string, ok bool) {
	subject, ok = strings.CutPrefix(channel, c.prefix)
	if strings.Contains(subject, "%") {
		subject = unescaper.Replace(subject)
	}
	return subject, ok
}

// logKeys returns the keys of a topic's log: of the stream, which is named as
// the topic's channel, and of the hash with what else is known of it. A
// cluster has both where it has the channel.
func (c *config) logKeys(topic string) []string {
	stream := c.channel(pubsub.TopicSubject(topic))
	return []string{stream, c.prefix + "{" + stream + "}"}
}
