package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"
)

// together is how many kubectl run at a time.
const together = 4

// patience is how many times as long as a request may take a kubectl may say
// nothing at all, besides the time to start: it asks for a big list piece by
// piece and prints it at the end.
const patience = 10

// lingering is how long a kubectl may take to start, and how long one that has
// ended, or was told to, may keep its streams open through processes that it
// has started.
const lingering = 2 * time.Second

// command runs kubectl on a cluster.
type command struct {
	path    string
	cluster Cluster
	slots   chan struct{} // holds one element for each kubectl that runs
}

// start runs kubectl with arguments; the result reads what it prints.
func (k *command) start(ctx context.Context, arguments ...string) (*stream, error) {
	select {
	case k.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if k.cluster.Context != "" {
		arguments = append(arguments, "--context="+k.cluster.Context)
	}
	if k.cluster.Kubeconfig != "" {
		arguments = append(arguments, "--kubeconfig="+k.cluster.Kubeconfig)
	}
	arguments = append(arguments, "--request-timeout="+k.cluster.Timeout.String())

	s := &stream{free: func() { <-k.slots }}
	if k.cluster.Timeout > 0 {
		s.silence = patience*k.cluster.Timeout + lingering
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.cmd = exec.CommandContext(s.ctx, k.path, arguments...)
	s.stderr.tooMuch = func() {
		s.cancel(fmt.Errorf("kubectl has written %d MiB to standard error and goes on", maxStderr>>20))
	}
	s.cmd.Stderr = &s.stderr
	s.cmd.WaitDelay = lingering
	if k.cluster.Saying == nil {
		ownGroup(s.cmd)
	}
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.cancel(nil)
		s.free()
		return nil, err
	}
	s.out = out
	if k.cluster.Saying != nil {
		go s.relay(k.cluster.Saying)
	}
	context.AfterFunc(s.ctx, func() { _ = out.Close() }) // a process that it has started may hold the other end
	if s.silence > 0 {
		s.timer = time.AfterFunc(s.silence, func() {
			s.cancel(fmt.Errorf("kubectl has said nothing for %v; --request-timeout allows it longer", s.silence))
		})
	}
	return s, nil
}

// stream is what a kubectl prints. It ends with io.EOF only if kubectl says by
// its exit code that this was all: of a kind that is forbidden it prints a list
// without members.
type stream struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	cmd     *exec.Cmd
	out     io.ReadCloser
	stderr  head
	silence time.Duration
	timer   *time.Timer // nil without silence
	free    func()
	err     error // what ended it
}

func (s *stream) Read(b []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.out.Read(b)
	if s.timer != nil {
		s.timer.Reset(s.silence)
	}
	if err != nil {
		s.end(err)
	}
	return n, s.err
}

// Close ends kubectl, if it has not ended.
func (s *stream) Close() error {
	if s.err == nil {
		s.cancel(errors.New("it is not wanted any more"))
		s.end(io.ErrClosedPipe)
	}
	return nil
}

// relay passes on what kubectl says, until it has ended.
func (s *stream) relay(say func(string)) {
	tick := time.NewTicker(lingering)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			if text := s.stderr.fresh(); text != "" {
				say(text)
			}
		}
	}
}

// end waits for kubectl, whose output has ended with an error.
func (s *stream) end(err error) {
	if s.timer != nil {
		s.timer.Stop()
	}
	exit := s.cmd.Wait()
	if errors.Is(exit, exec.ErrWaitDelay) { // it ended well; something that it started has not
		exit = nil
	}
	switch said := clean(s.stderr.all()); {
	case s.ctx.Err() != nil:
		s.err = context.Cause(s.ctx)
	case exit != nil && said != "":
		s.err = failure(said)
	case exit != nil:
		s.err = fmt.Errorf("kubectl: %w", exit)
	default:
		s.err = err
	}
	s.cancel(nil)
	s.free()
}

// head keeps the beginning of what is written to it.
type head struct {
	mu      sync.Mutex
	text    []byte
	told    int // of text, by fresh
	written int
	tooMuch func() // is called once, when more is written than anybody needs
}

const (
	maxHead   = 1 << 20
	maxStderr = 16 << 20
)

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, b[:min(len(b), maxHead-len(h.text))]...)
	before := h.written
	if h.written += len(b); before <= maxStderr && h.written > maxStderr {
		h.tooMuch()
	}
	return len(b), nil
}

func (h *head) all() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.text)
}

// fresh is what was written since it was last called.
func (h *head) fresh() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := string(h.text[h.told:])
	h.told = len(h.text)
	return text
}

// failure is what kubectl says why it failed.
type failure string

// maxSaid is how much of it is shown, in bytes.
const maxSaid = 600

func (f failure) Error() string {
	if len(f) > maxSaid {
		return strings.ToValidUTF8(string(f[:maxSaid]), "") + "..."
	}
	return string(f)
}

var (
	logLine = regexp.MustCompile(`^[IWEF]\d{4} \d\d:\d\d:\d\d`) // of the library that kubectl is made of
	prefix  = regexp.MustCompile(`^(error|Error from server( \([A-Za-z]+\))?): `)
)

// clean is the first line that kubectl itself says on standard error, without
// the words that every such line begins with.
func clean(text string) string {
	said := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "Warning: "):
		case logLine.MatchString(line):
			if said == "" {
				said = line
			}
		default:
			return prefix.ReplaceAllString(line, "")
		}
	}
	return said
}
