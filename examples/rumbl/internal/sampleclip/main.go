// Command sampleclip draws "Daybreak", the short clip that Rumbl ships so that
// it has something to show without a network. It writes raw RGB frames to
// standard output; ffmpeg makes a WebM of them:
//
//	go run ./internal/sampleclip |
//	ffmpeg -f rawvideo -pixel_format rgb24 -video_size 640x360 -framerate 24 -i - \
//	  -c:v libvpx-vp9 -b:v 0 -crf 40 -deadline good -cpu-used 1 -g 48 \
//	  -pix_fmt yuv420p -y web/static/sample.webm
//
// With -still it writes the picture at that second, as a JPEG:
//
//	go run ./internal/sampleclip -still 12 >web/static/sample-12.jpg
//
// The clip is nobody's work but this program's and is in the public domain
// (CC0 1.0).
package main

import (
	"bufio"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"os"
)

func main() {
	still := flag.Float64("still", -1, "write only the picture at this `second`, as a JPEG")
	flag.Parse()
	run := writeFrames
	if *still >= 0 {
		run = func() error { return writeStill(*still) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "sampleclip:", err)
		os.Exit(1)
	}
}

func writeFrames() error {
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	scene := newScene()
	for frame := range seconds * fps {
		if _, err := out.Write(scene.draw(float64(frame) / fps)); err != nil {
			return err
		}
	}
	return out.Flush()
}

func writeStill(second float64) error {
	frame := newScene().draw(second)
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(picture.Pix[4*i:], frame[3*i:3*i+3])
		picture.Pix[4*i+3] = 0xff
	}
	return jpeg.Encode(os.Stdout, picture, &jpeg.Options{Quality: 70})
}
