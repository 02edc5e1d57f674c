package services

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

const (
	// dockerBytes bounds an answer, in bytes (own: a hundred containers with
	// all their labels have some 300 kB).
	dockerBytes = 4 << 20
	// containerLimit bounds how many containers are asked for (own).
	containerLimit = 50
	// dockerPatience bounds the whole conversation (own).
	dockerPatience = 5 * time.Second
)

// A container is what Docker says of one service of a compose project.
type container struct {
	Name, Service, Image string
	// Project is the folder of the compose file.
	Project string
	// Status is "running", "exited", "restarting" …; Health "healthy",
	// "unhealthy", "starting" or "".
	Status, Health string
	ExitCode       int
	OOMKilled      bool
	Restarts       int
	Started, Ended time.Time
	// Policy is when Docker starts it again: "always", "no" …
	Policy string
}

// docker asks a read-only proxy of Docker's socket; it never asks for anything
// but to read.
type docker struct {
	address string
	client  *http.Client
}

func newDocker(address string) docker {
	return docker{strings.TrimSuffix(address, "/"), &http.Client{
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true, ResponseHeaderTimeout: dockerPatience},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refused is an answer other than 200.
type refused struct{ status int }

func (e *refused) Error() string { return fmt.Sprintf("docker: status %d", e.status) }

func (d docker) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.address+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "sababan")
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return &refused{resp.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, dockerBytes+1))
	if err != nil {
		return err
	}
	if len(body) > dockerBytes {
		return errors.New("docker: the answer is too long")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("docker: %w", err)
	}
	return nil
}

// The labels that compose gives to its containers.
const (
	labelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelFolder  = "com.docker.compose.project.working_dir"
	labelOneOff  = "com.docker.compose.oneoff"
)

// containers returns those of every compose project that holds a Mastodon, or
// that lies in the folder.
func (d docker) containers(ctx context.Context, folder string) ([]container, error) {
	ctx, cancel := context.WithTimeout(ctx, dockerPatience)
	defer cancel()
	var list []struct {
		ID     string            `json:"Id"`
		Names  []string          `json:"Names"`
		Image  string            `json:"Image"`
		Labels map[string]string `json:"Labels"`
	}
	filters := url.QueryEscape(`{"label":["` + labelProject + `"]}`)
	if err := d.get(ctx, "/containers/json?all=1&filters="+filters, &list); err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for _, c := range list {
		if mastodonImage(c.Image) || (folder != "" && c.Labels[labelFolder] == folder) {
			ours[c.Labels[labelProject]] = true
		}
	}
	var found []container
	for _, c := range list {
		if !ours[c.Labels[labelProject]] || strings.EqualFold(c.Labels[labelOneOff], "true") || len(c.Names) == 0 || len(found) == containerLimit {
			continue
		}
		one, err := d.inspect(ctx, c.ID)
		if err != nil {
			var r *refused
			if errors.As(err, &r) && r.status == http.StatusNotFound {
				continue // it went away in between
			}
			return nil, err
		}
		one.Name, one.Image = checks.QuoteName(strings.TrimPrefix(c.Names[0], "/")), c.Image
		one.Service, one.Project = c.Labels[labelService], c.Labels[labelFolder]
		found = append(found, one)
	}
	return found, nil
}

func (d docker) inspect(ctx context.Context, id string) (container, error) {
	var c struct {
		RestartCount int
		State        struct {
			Status                string
			OOMKilled             bool
			ExitCode              int
			StartedAt, FinishedAt time.Time
			Health                *struct{ Status string }
		}
		HostConfig struct{ RestartPolicy struct{ Name string } }
	}
	if err := d.get(ctx, "/containers/"+url.PathEscape(id)+"/json", &c); err != nil {
		return container{}, err
	}
	one := container{
		Status: c.State.Status, ExitCode: c.State.ExitCode, OOMKilled: c.State.OOMKilled, Restarts: c.RestartCount,
		Started: c.State.StartedAt, Ended: c.State.FinishedAt, Policy: c.HostConfig.RestartPolicy.Name,
	}
	if c.State.Health != nil {
		one.Health = c.State.Health.Status
	}
	return one, nil
}

// mastodonImage tells whether an image is a Mastodon:
// "ghcr.io/mastodon/mastodon:v4.5.1", "tootsuite/mastodon", a fork's.
func mastodonImage(image string) bool {
	name, _, _ := strings.Cut(image, "@")
	return strings.Contains(name[strings.LastIndexByte(name, '/')+1:], "mastodon")
}

// containerRole tells what a container is for, by its service and its image.
func containerRole(c container) role {
	name, _, _ := strings.Cut(c.Image, "@")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, _, _ = strings.Cut(name, ":")
	switch {
	case strings.Contains(c.Service, "sidekiq"):
		return sidekiq
	case strings.Contains(c.Service, "streaming"), strings.Contains(name, "streaming"):
		return streaming
	case mastodonImage(c.Image) && (strings.Contains(c.Service, "web") || strings.Contains(c.Service, "puma") || c.Service == "app"):
		return web
	case mastodonImage(c.Image):
		return other
	case strings.Contains(name, "postgres"), strings.Contains(name, "pgbouncer"):
		return database
	case strings.Contains(name, "redis"), strings.Contains(name, "valkey"):
		return redis
	case strings.Contains(name, "nginx"), strings.Contains(name, "caddy"), strings.Contains(name, "traefik"), strings.Contains(name, "haproxy"):
		return proxy
	case strings.Contains(name, "elasticsearch"), strings.Contains(name, "opensearch"):
		return search
	}
	return other
}

// judgeContainer tells whether a container runs.
func judgeContainer(c container, after memo, patience time.Duration, now time.Time) trouble {
	switch c.Status {
	case "running":
		switch {
		case c.Health == "unhealthy":
			return unwell
		case c.Health == "starting" && now.Sub(c.Started) > patience:
			return starting
		case after.restarts() >= manyRestarts && now.Sub(c.Started) < young:
			return looping
		}
		return runs
	case "restarting":
		return looping
	case "exited", "dead":
		if c.ExitCode == 0 {
			return stopped
		}
		return failed
	}
	return stopped // created, paused, removing
}

// unwell is a container whose own test fails.
const unwell trouble = "unwell"
