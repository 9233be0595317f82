package fuzz

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/internal/gen"
	"github.com/podreach/podreach/model/dialect"
)

var (
	seed     = flag.Uint64("seed", 0, "run TestEngine on this seed alone")
	verdicts = flag.Int64("verdicts", 1_000_000, "verdicts that TestEngine compares at least")
)

// check compares everything about the cluster of one seed.
func check(seed uint64) (verdicts int, c *gen.Cluster, err error) {
	r := rand.New(rand.NewPCG(seed, 1))
	c = gen.New(r, gen.Options{})
	text := c.JSON()
	if seed%2 == 1 {
		text = c.YAML()
	}
	o, err := Oracle(c)
	if err != nil {
		return 0, c, err
	}
	x, ledger, err := Index(c, text)
	if err != nil {
		return 0, c, err
	}
	if err := sameRejections(slices.Concat(o.Rejected(), o.Conflicting()), ledger); err != nil {
		return 0, c, err
	}
	verdicts, err = compare(o, x, r, 12)
	return verdicts, c, err
}

// sameRejections checks that both left out the same policies (R115), or say
// that they are not defined together (R106).
func sameRejections(want []string, l *dialect.Ledger) error {
	got := map[string]bool{}
	for _, d := range l.Diagnostics {
		if d.Severity() == dialect.Error {
			got[d.Object.Namespace+"/"+d.Object.Name] = true
		}
	}
	for _, name := range want {
		if !got[name] {
			return fmt.Errorf("the oracle rejects %s, the cluster does not: %v", name, l.Diagnostics)
		}
	}
	for _, name := range want {
		delete(got, name)
	}
	if len(got) > 0 {
		return fmt.Errorf("the cluster rejects %v, the oracle does not: %v", got, l.Diagnostics)
	}
	return nil
}

// TestEngine holds the whole line against the oracle on generated clusters.
func TestEngine(t *testing.T) {
	if *seed != 0 {
		n, c, err := check(*seed)
		require.NoError(t, err, "%s", c.YAML())
		t.Logf("%d verdicts", n)
		return
	}
	enough := *verdicts
	if testing.Short() { // under the race detector
		enough /= 20
	}
	var next atomic.Uint64
	var done atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for done.Load() < enough && !t.Failed() {
				s := next.Add(1)
				n, c, err := check(s)
				if err != nil {
					t.Errorf("seed %d: %v\nrerun: go test ./fuzz -run TestEngine -seed %d\n%s", s, err, s, c.YAML())
					return
				}
				done.Add(int64(n))
			}
		})
	}
	wg.Wait()
	t.Logf("%d verdicts over %d clusters", done.Load(), next.Load())
}

// FuzzEngine is TestEngine with seeds from the fuzzer.
func FuzzEngine(f *testing.F) {
	for s := range uint64(16) {
		f.Add(binary.LittleEndian.AppendUint64(nil, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 8 {
			return
		}
		s := binary.LittleEndian.Uint64(b)
		_, c, err := check(s)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", s, err, c.YAML())
		}
	})
}
