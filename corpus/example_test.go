package corpus_test

import (
	"fmt"
	"testing"

	"github.com/podreach/podreach/corpus"
	"github.com/podreach/podreach/model"
)

// What one case says, besides what holds in all of them.
func ExampleCases() {
	for _, c := range corpus.Cases() {
		if c.ID != "C11-3" {
			continue
		}
		fmt.Println(c.Note)
		for _, e := range c.Expect {
			if e.From != e.To && e.From != "node/n1" && e.From != "node/n2" {
				fmt.Println(e)
			}
		}
	}
	// Output:
	// A peer rule and a port rule in two policies: the named peer gets everything, the others the port.
	// x/pod/b>x/pod/a ALL
	// y/pod/a>x/pod/a TCP 443
	// 8.8.8.8>x/pod/a TCP 443
}

// A test of another implementation hands corpus.Run a function that takes a
// case's objects and returns its way of answering.
func ExampleRun() {
	var t *testing.T // of the test function that this stands in

	corpus.Run(t, func(c corpus.Case) (func(corpus.Query) (model.Verdict, error), error) {
		cluster, err := load(c.YAML, c.Profile) // the implementation's own
		if err != nil {
			return nil, err
		}
		return func(q corpus.Query) (model.Verdict, error) {
			return cluster.verdict(q.From, q.To, q.Protocol, q.Port)
		}, nil
	})
}

type implementation struct{}

func load([]byte, string) (implementation, error) { return implementation{}, nil }

func (implementation) verdict(string, string, model.Protocol, uint16) (model.Verdict, error) {
	return model.Unknown, nil
}
