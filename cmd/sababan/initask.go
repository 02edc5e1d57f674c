package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/sababan/sababan/checks"
)

// inputLimit is how long a line may be that somebody types (own).
const inputLimit = 4 << 10

// An asker talks with the person who sets the bot up, line by line.
type asker struct {
	out   io.Writer
	lang  checks.Lang
	quiet bool // nothing is asked
	in    *bufio.Reader
	// hidden reads a line without showing it; nil where the input is no terminal.
	hidden func(context.Context) ([]byte, error)
	// pending is the read under way; nil where none is.
	pending chan input
	closes  []func()
}

// input is one line of the input.
type input struct {
	line string
	err  error
}

func newAsker(env environment, lang checks.Lang, quiet bool) *asker {
	a := &asker{out: env.stdout, lang: lang, quiet: quiet, in: bufio.NewReaderSize(env.stdin, inputLimit)}
	if f, ok := env.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.hidden = func(ctx context.Context) ([]byte, error) { return readHidden(ctx, int(f.Fd())) }
	}
	return a
}

// readHidden reads a line of a terminal that does not show it. Where ctx ends
// first, the terminal shows again what is typed, although the read goes on: it
// cannot be ended.
func readHidden(ctx context.Context, fd int) ([]byte, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	var line []byte
	read := make(chan error, 1)
	go func() {
		var err error
		line, err = term.ReadPassword(fd)
		read <- err
	}()
	select {
	case err := <-read:
		return line, err
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

func (a *asker) onClose(f func()) { a.closes = append(a.closes, f) }

func (a *asker) close() {
	for _, f := range a.closes {
		f()
	}
}

// say prints a text in the language of this conversation.
func (a *asker) say(t checks.Text) {
	if !t.Empty() {
		fmt.Fprintln(a.out, printable(t.Read(checks.Reader{Lang: a.lang})))
	}
}

// typed returns the next line as it is typed. One read goes on until there is a
// line: a read of a terminal cannot be ended.
func (a *asker) typed() <-chan input {
	if a.pending == nil {
		c := make(chan input, 1)
		a.pending = c
		go func() {
			line, err := a.in.ReadSlice('\n')
			t := input{line: strings.TrimSpace(string(line)), err: err}
			if errors.Is(err, io.EOF) && t.line != "" {
				t.err = nil
			}
			c <- t
		}()
	}
	return a.pending
}

// next waits for a line.
func (a *asker) next(ctx context.Context) (string, error) {
	select {
	case t := <-a.typed():
		a.pending = nil
		return t.line, t.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// line asks for one line; "" takes what is usual. The error names the flag that
// answers the question where nobody is asked, or nobody is there.
func (a *asker) line(ctx context.Context, question checks.Text, usual, flag string) (string, error) {
	if a.quiet {
		if usual == "" {
			return "", fmt.Errorf("%s is missing", flag)
		}
		return usual, nil
	}
	a.prompt(question, usual)
	answer, err := a.next(ctx)
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", errors.New("that line is too long")
	case errors.Is(err, io.EOF):
		return "", fmt.Errorf("the input ended at a question; its flag is %s", flag)
	case err != nil:
		return "", err
	case answer == "":
		return usual, nil
	}
	return answer, nil
}

func (a *asker) prompt(question checks.Text, usual string) {
	words := question.Read(checks.Reader{Lang: a.lang})
	if usual != "" {
		words += " [" + usual + "]"
	}
	fmt.Fprint(a.out, printable(words)+" ")
}

// until asks until the answer is right. A given one is not asked for: it is
// right or an error.
func (a *asker) until(ctx context.Context, given, usual string, question checks.Text, flag string, right func(string) error) (string, error) {
	if given != "" {
		if err := right(given); err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		return given, nil
	}
	for {
		answer, err := a.line(ctx, question, usual, flag)
		if err != nil {
			return "", err
		}
		err = right(answer)
		if err == nil {
			return answer, nil
		}
		if a.quiet {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		a.say(checks.Same("  " + err.Error()))
	}
}

// yes asks for a yes; anything else is a no.
func (a *asker) yes(ctx context.Context, question checks.Text) (bool, error) {
	answer, err := a.line(ctx, question, "", "--yes")
	if err != nil {
		return false, err
	}
	switch strings.ToLower(answer) {
	case "y", "yes", "はい", "ｙ":
		return true, nil
	}
	return false, nil
}

// secret asks for a line that is not shown.
func (a *asker) secret(ctx context.Context, question checks.Text, flag string) (checks.Secret, error) {
	if a.quiet {
		return checks.Secret{}, fmt.Errorf("%s is missing", flag)
	}
	if a.hidden == nil {
		line, err := a.line(ctx, question, "", flag)
		return checks.NewSecret(line), err
	}
	a.prompt(question, "")
	line, err := a.hidden(ctx)
	fmt.Fprintln(a.out)
	if err != nil {
		return checks.Secret{}, fmt.Errorf("the terminal cannot be read: %w", err)
	}
	return checks.NewSecret(strings.TrimSpace(string(line))), ctx.Err()
}
