package corpus_test

import (
	"fmt"

	"github.com/podreach/podreach/corpus"
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
