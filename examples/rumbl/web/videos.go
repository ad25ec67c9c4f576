package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/roost-dev/roost/examples/rumbl/accounts"
	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

const videosPerPage = 24

type videoList struct {
	Videos []multimedia.Video
	First  bool  // of the pages
	Older  int64 // the page after this one is of videos before this id; 0: there is none
}

func (s *Site) listVideos(w http.ResponseWriter, r *http.Request, v visitor) error {
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64) // anything else: from the newest
	videos, err := s.multimedia.Videos(r.Context(), before, videosPerPage+1)
	if err != nil {
		return err
	}
	list := videoList{Videos: videos, First: before <= 0}
	if len(videos) > videosPerPage {
		list.Videos = videos[:videosPerPage]
		list.Older = list.Videos[videosPerPage-1].ID
	}
	return s.render(w, r, v, http.StatusOK, "videos.html", "Videos", list)
}

// videoForm is what the page to add a video shows again after a mistake.
type videoForm struct {
	Title, Description, URL string
	Problems                field.Errors
}

func (s *Site) newVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showVideoForm(w, r, v, http.StatusOK, videoForm{})
}

func (s *Site) showVideoForm(w http.ResponseWriter, r *http.Request, v visitor, status int, f videoForm) error {
	return s.render(w, r, v, status, "new_video.html", "Add a video", f)
}

func (s *Site) createVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	f := videoForm{
		Title:       r.PostForm.Get("title"),
		Description: r.PostForm.Get("description"),
		URL:         r.PostForm.Get("url"),
	}
	video, err := s.multimedia.AddVideo(r.Context(), author(v.session.User), multimedia.NewVideo{
		Title: f.Title, Description: f.Description, URL: f.URL,
	})
	if problems, ok := errors.AsType[field.Errors](err); ok {
		f.Problems = problems
		return s.showVideoForm(w, r, v, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/watch/"+strconv.FormatInt(video.ID, 10), http.StatusSeeOther)
	return nil
}

type watchPage struct {
	Video       multimedia.Video
	SocketToken string
	MaxBody     int
}

func (s *Site) watchVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return errNoPage
	}
	video, err := s.multimedia.Video(r.Context(), id)
	if err != nil {
		return err
	}
	token, err := s.live.Token(v.session)
	if err != nil {
		return err
	}
	protect(w.Header(), video.Source)
	return s.render(w, r, v, http.StatusOK, "watch.html", video.Title, watchPage{
		Video: video, SocketToken: token, MaxBody: multimedia.MaxBody,
	})
}

func author(u accounts.User) multimedia.Author {
	return multimedia.Author{ID: u.ID, Username: u.Username, Name: u.Name}
}
