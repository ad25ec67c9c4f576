package main

import "math"

const (
	width, height = 640, 360
	fps           = 24
	seconds       = 40
)

type rgb struct{ r, g, b float64 }

func mix(a, b rgb, t float64) rgb {
	return rgb{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t}
}

// keyframe is the light at one moment; the moments between are interpolated.
type keyframe struct {
	at            float64 // seconds
	zenith, haze  rgb     // top and bottom of the sky
	near          rgb     // the nearest hill
	stars, lights float64 // brightness, 0 to 1
}

var day = []keyframe{
	{0, rgb{14, 18, 48}, rgb{58, 46, 92}, rgb{14, 14, 30}, 1, 1},
	{6, rgb{34, 40, 92}, rgb{226, 120, 108}, rgb{30, 22, 44}, .4, .6},
	{12, rgb{92, 146, 214}, rgb{255, 206, 150}, rgb{46, 66, 62}, 0, 0},
	{20, rgb{70, 150, 226}, rgb{196, 228, 244}, rgb{52, 104, 74}, 0, 0},
	{27, rgb{86, 112, 186}, rgb{255, 190, 120}, rgb{58, 72, 60}, 0, 0},
	{32, rgb{52, 36, 88}, rgb{232, 96, 84}, rgb{34, 22, 42}, .3, .7},
	{36, rgb{14, 18, 48}, rgb{58, 46, 92}, rgb{14, 14, 30}, 1, 1},
	{seconds, rgb{14, 18, 48}, rgb{58, 46, 92}, rgb{14, 14, 30}, 1, 1},
}

func lightAt(t float64) keyframe {
	for i := 1; i < len(day); i++ {
		a, b := day[i-1], day[i]
		if t > b.at {
			continue
		}
		f := smooth((t - a.at) / (b.at - a.at))
		return keyframe{
			at: t, zenith: mix(a.zenith, b.zenith, f), haze: mix(a.haze, b.haze, f), near: mix(a.near, b.near, f),
			stars: a.stars + (b.stars-a.stars)*f, lights: a.lights + (b.lights-a.lights)*f,
		}
	}
	return day[len(day)-1]
}

// scene is a valley over which one day passes.
type scene struct {
	frame []byte
	stars [][2]float64
}

func newScene() *scene {
	s := &scene{frame: make([]byte, width*height*3)}
	seed := uint32(7)
	next := func() float64 {
		seed = seed*1664525 + 1013904223
		return float64(seed>>8) / (1 << 24)
	}
	for range 90 {
		s.stars = append(s.stars, [2]float64{next() * width, next() * next() * 210})
	}
	return s
}

// draw paints the moment t, in seconds, and returns the frame, which is reused.
func (s *scene) draw(t float64) []byte {
	light := lightAt(t)
	s.sky(light)
	s.night(t, light)
	s.sun(t)
	s.balloon(t, light)
	s.birds(t, light)
	s.hills(t, light)
	return s.frame
}

func (s *scene) sky(light keyframe) {
	for y := range height {
		c := mix(light.zenith, light.haze, smooth(min(1, float64(y)/270)))
		for x := range width {
			s.set(x, y, c)
		}
	}
}

func (s *scene) night(t float64, light keyframe) {
	if light.stars <= 0 {
		return
	}
	for i, star := range s.stars {
		twinkle := .65 + .35*math.Sin(t*1.5+float64(i))
		s.disc(star[0], star[1], .8+float64(i%3)*.35, rgb{255, 250, 235}, light.stars*twinkle)
	}
	if t > 33 {
		rise := smooth((t - 33) / 6)
		s.crescent(500, 150-70*rise, 20, rgb{246, 240, 220}, rise)
	}
	// A shooting star at 37 s: something small to point out.
	if p := (t - 37) / 1.1; p > 0 && p < 1 {
		for i := range 26 {
			back := float64(i) * 3.2
			s.disc(130+p*230-back, 40+p*80-back*.35, 1.7-float64(i)*.05, rgb{255, 255, 245}, (1-float64(i)/26)*math.Sin(p*math.Pi))
		}
	}
}

func (s *scene) sun(t float64) {
	p := (t - 4) / 28
	if p < 0 || p > 1 {
		return
	}
	x, y := 60+p*520, 290-math.Sin(p*math.Pi)*225
	warm := math.Sin(p * math.Pi)
	c := mix(rgb{255, 120, 80}, rgb{255, 246, 214}, smooth(warm))
	for i := 5; i > 0; i-- {
		s.disc(x, y, 24+float64(i)*11, c, .07)
	}
	s.disc(x, y, 24, c, 1)
}

func (s *scene) balloon(t float64, light keyframe) {
	p := (t - 11) / 16
	if p < 0 || p > 1 {
		return
	}
	x, y := 690-p*760, 120+math.Sin(t*.9)*8-math.Sin(p*math.Pi)*30
	shade := func(c rgb) rgb { return mix(c, light.haze, .12) }
	for i, c := range []rgb{{214, 70, 62}, {244, 196, 92}, {214, 70, 62}, {244, 196, 92}} {
		s.ellipse(x, y, 30-float64(i)*8, 34, shade(c))
	}
	s.line(x-14, y+29, x-5, y+48, shade(rgb{80, 60, 50}))
	s.line(x+14, y+29, x+5, y+48, shade(rgb{80, 60, 50}))
	for dy := range 9 {
		s.line(x-6, y+48+float64(dy), x+6, y+48+float64(dy), shade(rgb{120, 84, 56}))
	}
}

func (s *scene) birds(t float64, light keyframe) {
	p := (t - 16) / 9
	if p < 0 || p > 1 {
		return
	}
	ink := mix(light.near, light.zenith, .3)
	for i := range 7 {
		row := math.Abs(float64(i) - 3)
		x, y := -60+p*780-row*20, 96+float64(i-3)*11+math.Sin(t*1.3+float64(i))*3
		flap := math.Sin(t*9+float64(i)*1.1) * 5
		s.line(x, y, x-8, y-3-flap, ink)
		s.line(x, y, x+8, y-3-flap, ink)
	}
}

func (s *scene) hills(t float64, light keyframe) {
	for layer := range 4 {
		depth := float64(layer) / 3
		c := mix(mix(light.near, light.haze, .62), light.near, depth)
		base, swell := 232+depth*66, 30-depth*6
		for x := range width {
			u := float64(x)/width*math.Pi*2 + float64(layer)*1.9
			top := base - swell*math.Sin(u*(1+depth*.35)) - 9*math.Sin(u*2.7+1.3)
			for y := max(0, int(top)); y < height; y++ {
				s.set(x, y, c)
			}
		}
	}
	for i := range 9 {
		flicker := .85 + .15*math.Sin(t*2+float64(i)*2)
		x, y := 372+float64(i%5)*15+float64(i/5)*7, 318+float64(i/5)*11+float64(i%2)*4
		s.disc(x, y, 1.9, rgb{255, 205, 120}, light.lights*flicker)
	}
}

func (s *scene) set(x, y int, c rgb) {
	p := (y*width + x) * 3
	s.frame[p], s.frame[p+1], s.frame[p+2] = byte(c.r), byte(c.g), byte(c.b)
}

func (s *scene) blend(x, y int, c rgb, alpha float64) {
	if x < 0 || y < 0 || x >= width || y >= height || alpha <= 0 {
		return
	}
	p := (y*width + x) * 3
	under := rgb{float64(s.frame[p]), float64(s.frame[p+1]), float64(s.frame[p+2])}
	s.set(x, y, mix(under, c, min(1, alpha)))
}

func (s *scene) disc(cx, cy, r float64, c rgb, alpha float64) {
	for y := int(cy - r - 1); y <= int(cy+r+1); y++ {
		for x := int(cx - r - 1); x <= int(cx+r+1); x++ {
			edge := r + .5 - math.Hypot(float64(x)-cx, float64(y)-cy)
			s.blend(x, y, c, alpha*min(1, max(0, edge)))
		}
	}
}

// crescent is a disc with a second one, up and to the left, cut out of it.
func (s *scene) crescent(cx, cy, r float64, c rgb, alpha float64) {
	for y := int(cy - r - 1); y <= int(cy+r+1); y++ {
		for x := int(cx - r - 1); x <= int(cx+r+1); x++ {
			fx, fy := float64(x), float64(y)
			edge := min(r+.5-math.Hypot(fx-cx, fy-cy), math.Hypot(fx-cx+9, fy-cy+4)-r+2.5)
			s.blend(x, y, c, alpha*min(1, max(0, edge)))
		}
	}
}

func (s *scene) ellipse(cx, cy, rx, ry float64, c rgb) {
	for y := int(cy - ry - 1); y <= int(cy+ry+1); y++ {
		for x := int(cx - rx - 1); x <= int(cx+rx+1); x++ {
			d := math.Hypot((float64(x)-cx)/rx, (float64(y)-cy)/ry)
			s.blend(x, y, c, min(1, max(0, (1-d)*rx+.5)))
		}
	}
}

func (s *scene) line(x0, y0, x1, y1 float64, c rgb) {
	steps := int(max(math.Abs(x1-x0), math.Abs(y1-y0))*2) + 1
	for i := range steps + 1 {
		f := float64(i) / float64(steps)
		s.disc(x0+(x1-x0)*f, y0+(y1-y0)*f, 1, c, .8)
	}
}

func smooth(t float64) float64 {
	t = min(1, max(0, t))
	return t * t * (3 - 2*t)
}
