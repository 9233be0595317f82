package cli

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/podreach/podreach/model/manifest"
)

// progress is a bar on the terminal of standard error while a command works:
// bytes that were read, of how many if that is known. It appears once the
// command has taken as long as delay, and whatever else is printed takes its
// place. It has no colours. A nil progress is none.
type progress struct {
	delay time.Duration
	total int64 // bytes, -1 when not known, 0 when bytes are no measure
	bytes atomic.Int64
	begun time.Time
	done  chan struct{}

	mu    sync.Mutex
	out   io.Writer
	bar   *progressbar.ProgressBar
	shown bool
	ended bool
}

const (
	progressDelay = time.Second
	progressEvery = 100 * time.Millisecond
)

// isTerminal reports whether somebody watches what is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress begins to show how far the inputs are read, if somebody watches, and
// makes what the run prints share the terminal with it.
func (r *run) progress(inputs []manifest.Input) *progress {
	if !r.watched {
		return nil
	}
	p := &progress{delay: progressDelay, total: totalSize(inputs), begun: time.Now(), done: make(chan struct{}), out: r.stderr}
	p.bar = newBar(p.out, "reading", p.total, progressbar.OptionShowBytes(true), progressbar.OptionShowCount())
	r.stderr = &aside{p, r.stderr, false}
	r.stdout = &aside{p, r.stdout, true}
	r.bar = p
	go p.run()
	return p
}

// newBar is a bar that is not shown yet.
func newBar(out io.Writer, label string, total int64, options ...progressbar.Option) *progressbar.ProgressBar {
	b := progressbar.NewOptions64(total, append(options, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(label),
		progressbar.OptionUseIECUnits(true), progressbar.OptionSetWidth(30), progressbar.OptionSetTheme(progressbar.ThemeASCII),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetSpinnerChangeInterval(0))...)
	b.StartWithoutRender()
	return b
}

// totalSize is how many bytes the inputs have, -1 when that is not known.
func totalSize(inputs []manifest.Input) (n int64) {
	for _, in := range inputs {
		if in.Once {
			return -1
		}
		n += in.Size
	}
	if n == 0 {
		return -1
	}
	return n
}

func (p *progress) run() {
	ticks := time.NewTicker(progressEvery)
	defer ticks.Stop()
	for {
		select {
		case <-p.done:
			return
		case now := <-ticks.C:
			if now.Sub(p.begun) >= p.delay {
				p.show()
			}
		}
	}
}

// read counts bytes that were read.
func (p *progress) read(bytes int) {
	if p != nil {
		p.bytes.Add(int64(bytes))
	}
}

// stage says what is being done from now on, of which no measure is known.
func (p *progress) stage(label string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.total = 0
	p.bar = newBar(p.out, label, -1)
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.shown = true
	if p.total == 0 { // a stage without a measure
		_ = p.bar.RenderBlank() // it is only a bar
		return
	}
	n := p.bytes.Load()
	if p.total > 0 {
		n = min(n, p.total-1) // a full bar is one that has ended
	}
	_ = p.bar.Set64(n)
}

// clear takes the bar off the terminal until it is shown again.
func (p *progress) clear() {
	if p.shown {
		_, p.shown = p.bar.Clear(), false
	}
}

// stop ends the bar.
func (p *progress) stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.clear()
		p.ended = true
		close(p.done)
	}
}

// aside is a stream that may share the terminal with a bar.
type aside struct {
	bar  *progress
	out  io.Writer
	last bool // what is written is the answer: the bar is not needed any more
}

func (a *aside) Write(b []byte) (int, error) {
	if a.last {
		a.bar.stop()
	}
	a.bar.mu.Lock()
	defer a.bar.mu.Unlock()
	a.bar.clear()
	return a.out.Write(b)
}
