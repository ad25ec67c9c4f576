// Command sampleclip draws "Daybreak", the short clip that Rumbl ships so that
// it has something to show without a network. It writes raw RGB frames to
// standard output; ffmpeg makes a WebM of them:
//
//	go run ./internal/sampleclip |
//	ffmpeg -f rawvideo -pixel_format rgb24 -video_size 640x360 -framerate 24 -i - \
//	  -c:v libvpx-vp9 -b:v 0 -crf 40 -deadline good -cpu-used 1 -g 48 \
//	  -pix_fmt yuv420p -y web/static/sample.webm
//
// The clip is nobody's work but this program's and is in the public domain
// (CC0 1.0).
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	scene := newScene()
	for frame := range seconds * fps {
		if _, err := out.Write(scene.draw(float64(frame) / fps)); err != nil {
			fmt.Fprintln(os.Stderr, "sampleclip:", err)
			os.Exit(1)
		}
	}
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "sampleclip:", err)
		os.Exit(1)
	}
}
