// Package live reads the objects of a running cluster through kubectl, which
// knows how to find a cluster and how to log in to it.
//
// `kubectl api-resources` says which kinds the cluster serves; of those that
// have a part in an answer, and of custom kinds of which a controller may make
// pods, each is listed by a kubectl of its own, whose output is read as it comes
// and not kept. Nothing else is asked for: no Secret, no ConfigMap.
package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/model/manifest/custom"
)

// DefaultTimeout is how long one request of kubectl to the server may take.
const DefaultTimeout = time.Minute

// Cluster is a cluster as kubectl finds it. The zero Cluster is that of the
// current context, read without a timeout.
type Cluster struct {
	Context    string        // "" is the current one
	Kubeconfig string        // "" is what $KUBECONFIG or the default says
	Timeout    time.Duration // of one request to the server; 0 is none

	// Table is which custom resources make pods; nil is podreach's own.
	Table *custom.Table

	// Reading, if set, is told which resource begins to be read, the nth of
	// all. It is called by one goroutine at a time.
	Reading func(resource string, n, all int)

	// Saying, if set, is given what a kubectl that goes on running writes to
	// standard error, such as where to log in. It is called by any goroutine. It
	// is for a user at a terminal: there a kubectl stays in podreach's process
	// group, so that a credential plugin may ask for a password, and the terminal
	// interrupts all of them. Without it each has a group of its own, which is
	// ended with it.
	Saying func(text string)
}

// Inputs asks which kinds the cluster serves and returns an input for each of
// those that have a part in an answer, and what such an answer takes for
// granted. An error says in one line why there is no cluster to read.
//
// Each input starts its kubectl when it is opened, waiting until few others
// run: the inputs are for one reader, which opens them in their order. When ctx
// ends so does every kubectl, and what it was to list cannot be read.
func (c Cluster) Inputs(ctx context.Context) (inputs []manifest.Input, assumed []string, err error) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return nil, nil, errors.New("there is no kubectl on the PATH, and a cluster is read through it")
	}
	k := command{path: kubectl, cluster: c, slots: make(chan struct{}, together)}
	resources, strange, passed, err := k.resources(ctx)
	if err != nil {
		return nil, nil, err
	}
	assumed = []string{"the cluster did not change while it was read"}
	for _, group := range strange {
		assumed = append(assumed, fmt.Sprintf("the API group %s of the cluster cannot be asked for its kinds; it is taken to hold no policies and nothing that makes pods", group))
	}
	if len(passed) > 0 {
		assumed = append(assumed, "kinds of the cluster that are not read make no pods; they are of "+strings.Join(passed, ", "))
	}
	for i, r := range resources {
		inputs = append(inputs, manifest.LiveInput(r.name, manifest.Live{APIVersion: r.apiVersion, Kind: r.kind, Doubtful: r.doubtful}, func() (io.ReadCloser, error) {
			if c.Reading != nil {
				c.Reading(r.name, i+1, len(resources))
			}
			if r.err != nil {
				return nil, r.err
			}
			return k.start(ctx, "get", r.name, "--all-namespaces", "--output=json")
		}))
	}
	return inputs, assumed, nil
}

// resource is a kind as a cluster serves it.
type resource struct {
	name       string // with its group: "networkpolicies.networking.k8s.io"
	apiVersion string
	kind       string
	namespaced bool
	doubtful   bool  // nobody knows whether a controller makes pods of it
	err        error // why it cannot be listed
}

// resources are the kinds that have a part in an answer, or may; the API groups
// that do not say what they serve and are not known to serve any such kind; and
// those not of Kubernetes itself that serve kinds which are passed over.
func (k *command) resources(ctx context.Context) (out []resource, strange, passed []string, err error) {
	l, err := k.start(ctx, "api-resources", "--verbs=list")
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { _ = l.Close() }()
	text, err := io.ReadAll(io.LimitReader(l, maxTable))
	served, ok := parseTable(string(text))
	if !ok {
		if err == nil {
			err = errors.New("kubectl api-resources does not print a table with a column APIVERSION; kubectl 1.20 or newer is needed")
		}
		return nil, nil, nil, err
	}
	var failed []failedGroup
	if err != nil { // some groups do not answer, most often that of metrics
		var said failure
		if errors.As(err, &said) {
			failed = parseFailures(string(said))
		}
		if len(failed) == 0 {
			return nil, nil, nil, err
		}
	}
	table := k.cluster.Table
	if table == nil {
		table = custom.Builtin()
	}
	known := map[[2]string]bool{} // group and kind
	for _, r := range served {
		known[[2]string{groupOf(r.apiVersion), r.kind}] = true
		switch {
		case cluster.Reads(r.apiVersion, r.kind), slices.Contains(table.Kinds(groupOf(r.apiVersion)), r.kind):
			out = append(out, r)
		case mayMakePods(r):
			r.doubtful = true
			out = append(out, r)
		case !manifest.OwnGroup(groupOf(r.apiVersion)) && !slices.Contains(passed, groupOf(r.apiVersion)):
			passed = append(passed, groupOf(r.apiVersion))
		}
	}
	for _, f := range failed {
		kinds := slices.Concat(cluster.KindsOf(groupOf(f.apiVersion)), table.Kinds(groupOf(f.apiVersion)))
		for _, kind := range kinds {
			if !known[[2]string{groupOf(f.apiVersion), kind}] {
				known[[2]string{groupOf(f.apiVersion), kind}] = true
				out = append(out, resource{name: kind + "." + f.apiVersion, apiVersion: f.apiVersion, kind: kind, err: fmt.Errorf("%s does not say what it serves: %s", f.apiVersion, f.reason)})
			}
		}
		if len(kinds) == 0 && !slices.Contains(strange, f.apiVersion) {
			strange = append(strange, f.apiVersion)
		}
	}
	if len(out) == 0 {
		return nil, nil, nil, errors.New("the cluster serves no kind that has a part in an answer")
	}
	// Namespaces come last: then the namespace of an object that was made
	// meanwhile is among them.
	slices.SortStableFunc(out, func(a, b resource) int { return rank(a) - rank(b) })
	return out, strange, passed, nil
}

func rank(r resource) int {
	if r.kind == "Namespace" {
		return 1
	}
	return 0
}
