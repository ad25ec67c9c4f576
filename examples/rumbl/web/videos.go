package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/roost-dev/roost/examples/rumbl/field"
	"github.com/roost-dev/roost/examples/rumbl/multimedia"
)

// watchPath returns the address of the page on which a video is watched. The
// title in it is for people; the number says which video it is.
func watchPath(video multimedia.Video) string {
	path := "/watch/" + strconv.FormatInt(video.ID, 10)
	if slug := video.Slug(); slug != "" {
		path += "-" + url.PathEscape(slug)
	}
	return path
}

// videoID returns the id that a part of a path begins with.
func videoID(segment string) (int64, error) {
	number, _, _ := strings.Cut(segment, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, errNoPage
	}
	return id, nil
}

// videoForm is what the pages to add a video and to change one show again after
// a mistake.
type videoForm struct {
	Video                   multimedia.Video // to change; none with ID 0
	Title, Description, URL string
	CategoryID              int64
	Categories              []multimedia.Category // to choose from
	Problems                field.Errors
}

// Action returns where the form is sent.
func (f videoForm) Action() string {
	if f.Video.ID == 0 {
		return "/videos"
	}
	return "/videos/" + strconv.FormatInt(f.Video.ID, 10)
}

// filledIn returns the form that was sent.
func filledIn(r *http.Request) videoForm {
	f := videoForm{
		Title:       r.PostForm.Get("title"),
		Description: r.PostForm.Get("description"),
		URL:         r.PostForm.Get("url"),
	}
	if chosen := r.PostForm.Get("category"); chosen != "" {
		var err error
		if f.CategoryID, err = strconv.ParseInt(chosen, 10, 64); err != nil {
			f.CategoryID = -1 // which is none of the list
		}
	}
	return f
}

func (f videoForm) input() multimedia.VideoInput {
	return multimedia.VideoInput{Title: f.Title, Description: f.Description, URL: f.URL, CategoryID: f.CategoryID}
}

func (s *Site) newVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	return s.showVideoForm(w, r, v, http.StatusOK, videoForm{})
}

func (s *Site) showVideoForm(w http.ResponseWriter, r *http.Request, v visitor, status int, f videoForm) error {
	var err error
	if f.Categories, err = s.multimedia.Categories(r.Context()); err != nil {
		return err
	}
	title := "Add a video"
	if f.Video.ID != 0 {
		title = "Edit your video"
	}
	return s.render(w, r, v, status, "video_form.html", title, f)
}

func (s *Site) createVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	f := filledIn(r)
	video, err := s.multimedia.AddVideo(r.Context(), author(v.session.User), f.input())
	return s.videoSaved(w, r, v, f, video, err)
}

// videoSaved goes on to the video, or shows the form again with what was wrong.
func (s *Site) videoSaved(w http.ResponseWriter, r *http.Request, v visitor, f videoForm, video multimedia.Video, err error) error {
	if problems, ok := errors.AsType[field.Errors](err); ok {
		f.Problems = problems
		return s.showVideoForm(w, r, v, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, watchPath(video), http.StatusSeeOther) //nolint:gosec // begins with /watch/
	return nil
}

// ownVideo returns the video that a path names, for its owner.
func (s *Site) ownVideo(r *http.Request, v visitor) (multimedia.Video, error) {
	id, err := videoID(r.PathValue("id"))
	if err != nil {
		return multimedia.Video{}, err
	}
	return s.multimedia.OwnVideo(r.Context(), author(v.session.User), id)
}

func (s *Site) editVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	video, err := s.ownVideo(r, v)
	if err != nil {
		return err
	}
	return s.showVideoForm(w, r, v, http.StatusOK, videoForm{
		Video: video, Title: video.Title, Description: video.Description, URL: video.Source.URL(), CategoryID: video.Category.ID,
	})
}

func (s *Site) updateVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	video, err := s.ownVideo(r, v)
	if err != nil {
		return err
	}
	f := filledIn(r)
	f.Video = video
	video, err = s.multimedia.UpdateVideo(r.Context(), video.Owner, video.ID, f.input())
	return s.videoSaved(w, r, v, f, video, err)
}

// confirmDelete asks before a video is deleted.
func (s *Site) confirmDelete(w http.ResponseWriter, r *http.Request, v visitor) error {
	video, err := s.ownVideo(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, http.StatusOK, "delete_video.html", "Delete a video", video)
}

// deleteVideo tells those who are watching, too.
func (s *Site) deleteVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	video, err := s.ownVideo(r, v)
	if err != nil {
		return err
	}
	if err := s.multimedia.DeleteVideo(r.Context(), video.Owner, video.ID); err != nil {
		return err
	}
	if err := s.live.VideoDeleted(r.Context(), video.ID); err != nil {
		// The video is gone all the same; its pages find out with what they do next.
		s.log.ErrorContext(r.Context(), "deleted video not announced", "video", video.ID, "error", err)
	}
	http.Redirect(w, r, "/?by=me", http.StatusSeeOther)
	return nil
}

type watchPage struct {
	Video       multimedia.Video
	Own         bool // the visitor's
	SocketToken string
	MaxBody     int
}

// watchVideo sends those who come by another address of the video on to the
// one with its title. Titles change back too, so no browser may remember that.
func (s *Site) watchVideo(w http.ResponseWriter, r *http.Request, v visitor) error {
	id, err := videoID(r.PathValue("id"))
	if err != nil {
		return err
	}
	video, err := s.multimedia.Video(r.Context(), id)
	if err != nil {
		return err
	}
	if canonical := watchPath(video); r.URL.EscapedPath() != canonical {
		to := url.URL{RawQuery: r.URL.RawQuery}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, canonical+to.String(), http.StatusFound) //nolint:gosec // begins with /watch/
		return nil
	}
	token, err := s.live.Token(v.session)
	if err != nil {
		return err
	}
	protect(w.Header(), video.Source)
	return s.render(w, r, v, http.StatusOK, "watch.html", video.Title, watchPage{
		Video: video, Own: video.Owner.ID == v.session.User.ID, SocketToken: token, MaxBody: multimedia.MaxBody,
	})
}
