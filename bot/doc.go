// Package bot is about people: who may ask, who is told what, when, by which
// channel, and in which language.
package bot
