package main

import (
	"fmt"
	"io"

	"github.com/roost-dev/roost/cmd/roost/internal/scaffold"
)

const genHelp = `roost gen channel|presence|socket [flags] NAME adds to an application, with a test:

    channel     a kind of topic: its events, their types and callbacks
    presence    a tracker of who is on a topic
    socket      a server of the sockets of those who have a token

NAME is video_room or VideoRoom; it is made neither plural nor singular. Nothing is overwritten. What is left to be
done by hand is printed.
`

// runGen adds to an application.
func runGen(args []string, stdout, stderr io.Writer) error {
	var part scaffold.Part
	if len(args) > 0 {
		part.Kind, args = args[0], args[1:]
	}
	fs := newFlags("gen "+part.Kind, genHelp, stderr)
	fs.StringVar(&part.Dir, "dir", "live", "`folder` of the package")
	switch part.Kind {
	case "channel":
		fs.StringVar(&part.Assigns, "assigns", "", "`type` that the sockets belong to, where there are several")
	case "presence", "socket":
	case "", "help", "-h", "-help", "--help":
		fmt.Fprint(stderr, genHelp)
		return nil
	default:
		return fmt.Errorf("gen: there is no %q: give channel, presence or socket", part.Kind)
	}
	names, err := parse(fs, args, "NAME")
	if err != nil {
		return err
	}
	if part.Name, err = scaffold.ParseName(names[0]); err != nil {
		return err
	}
	added, err := part.Make()
	if err != nil {
		return err
	}
	for _, f := range added.Files {
		fmt.Fprintln(stdout, "made", f)
	}
	fmt.Fprint(stdout, "\n"+added.Next)
	return nil
}
