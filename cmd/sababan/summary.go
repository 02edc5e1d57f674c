package main

import "github.com/sababan/sababan/bot"

// summaryOptions are those of the weekly public post.
func summaryOptions(c *Config) bot.SummaryOptions {
	return bot.SummaryOptions{
		Allowed: c.Summary.Enabled, Site: c.Site.Domain, Times: c.Summary.Timetable,
		Visibility: c.Summary.Visibility, Langs: c.Summary.Languages, Sources: summarySources(),
	}
}

// summarySources are what the weekly public post is made of. An interruption is
// the time in which no page comes that a browser can use, or in which what every
// app asks first is not answered; a slow page, a file of the page that is not
// needed, and what is wrong on the disk are none.
func summarySources() bot.Sources {
	return bot.Sources{
		Outages: map[string][]string{
			"webui":    {"page", "asset", "integrity", "stale"},
			"instance": {"v2"},
		},
		Answer:  bot.Source{Check: "latency", Name: "response_time", Subject: "page"},
		Servers: bot.Source{Check: "federation", Name: "servers_week"},
		New:     bot.Source{Check: "federation", Name: "servers_new"},
	}
}
