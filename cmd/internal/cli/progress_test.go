package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/manifest"
)

// screen is a terminal's text.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// visible is what is left on the line when all was written.
func (s *screen) visible() string {
	text := s.String()
	return strings.TrimRight(text[strings.LastIndexByte(text, '\r')+1:], " ")
}

func watched(inputs ...manifest.Input) (*run, *screen) {
	s := &screen{}
	r := &run{stdout: s, stderr: s, watched: true, inputs: map[*cobra.Command]*input{}}
	if bar := r.progress(inputs); bar != nil {
		bar.mu.Lock()
		bar.delay = 0
		bar.mu.Unlock()
	}
	return r, s
}

func TestProgress(t *testing.T) {
	r, s := watched(manifest.Bytes("a", make([]byte, 3<<20)), manifest.Bytes("b", make([]byte, 1<<20)))
	defer r.bar.stop()
	require.Empty(t, s.String())
	r.bar.read(1 << 20)
	r.bar.show()
	require.Contains(t, s.String(), "reading  25% [======>.......................] (1.0/4.0 MiB")
	_, err := io.WriteString(r.stderr, "a message\n")
	require.NoError(t, err)
	require.Equal(t, "a message\n", s.visible(), "the bar makes room")
	r.bar.read(8 << 20) // a file has grown
	r.bar.show()
	require.Contains(t, s.visible(), "reading  99%")
	r.bar.stage("compiling")
	r.bar.show()
	require.Contains(t, s.visible(), "compiling")
	_, err = io.WriteString(r.stdout, "the answer\n")
	require.NoError(t, err)
	r.bar.show()
	require.Equal(t, "the answer\n", s.visible(), "the bar has ended")
	require.NotContains(t, s.String(), "\x1b", "nothing is coloured")
	r.bar.stop()
}

// TestProgressOfAPipe shows how much was read where nobody knows of how much.
func TestProgressOfAPipe(t *testing.T) {
	r, s := watched(manifest.Bytes("a", make([]byte, 3<<20)), manifest.Input{Name: "-", Once: true})
	r.bar.read(5 << 20)
	require.Eventually(t, func() bool { return strings.Contains(s.String(), "reading") }, 5*time.Second, 10*time.Millisecond, "by itself")
	require.Contains(t, s.String(), "(5.0 MiB")
	r.bar.stop()
	require.Empty(t, s.visible())
}

// TestNobodyWatches: without a terminal, and with --quiet, there is no bar.
func TestNobodyWatches(t *testing.T) {
	var none *progress
	none.read(1)
	none.stage("x")
	none.stop()
	require.False(t, isTerminal(&screen{}))
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	require.False(t, isTerminal(f))
	for _, flag := range []string{"", "--quiet"} {
		s := &screen{}
		r := &run{stdin: strings.NewReader(""), stdout: io.Discard, stderr: s, inputs: map[*cobra.Command]*input{}, watched: flag != ""}
		root := r.root("podreach")
		root.SetArgs(append([]string{"list", "-f", demoPath}, strings.Fields(flag)...))
		require.NoError(t, root.Execute())
		require.Nil(t, r.bar)
		require.Empty(t, s.String())
	}
}
