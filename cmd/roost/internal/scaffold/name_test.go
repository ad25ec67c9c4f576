package scaffold

import (
	"strings"
	"testing"
)

func TestNamesAreSpelledAsGoDoes(t *testing.T) {
	for in, want := range map[string]Name{
		"room":       {"room", "Room", "room"},
		"videos":     {"videos", "Videos", "videos"},
		"video_room": {"video_room", "VideoRoom", "videoRoom"},
		"VideoRoom":  {"video_room", "VideoRoom", "videoRoom"},
		"videoRoom":  {"video_room", "VideoRoom", "videoRoom"},
		"HTTPLog":    {"http_log", "HTTPLog", "httpLog"},
		"user_id":    {"user_id", "UserID", "userID"},
		"Room2":      {"room2", "Room2", "room2"},
	} {
		if got, err := ParseName(in); err != nil || got != want {
			t.Errorf("ParseName(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
}

func TestWhatCannotNameCodeIsRefused(t *testing.T) {
	for in, want := range map[string]string{
		"":             "cannot name anything in Go",
		"2rooms":       "cannot name anything in Go",
		"video-room":   "cannot name anything in Go",
		"_room":        "cannot name anything in Go",
		"room_":        "cannot name anything in Go",
		"räume":        "cannot name anything in Go",
		"../room":      "cannot name anything in Go",
		"select":       "is a keyword of Go",
		"Range":        "is a keyword of Go",
		"string":       "has a meaning in Go already",
		"error":        "has a meaning in Go already",
		"room_test":    "would make the file room_test.go",
		"chat_windows": "would make the file chat_windows.go",
		"chat_arm64":   "would make the file chat_arm64.go",
	} {
		if got, err := ParseName(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseName(%q) = %+v, %v, want an error that says %q", in, got, err, want)
		}
	}
}
