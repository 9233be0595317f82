package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/dialect"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

// changed reports whether the question is about a changed cluster.
func (in *input) changed() bool { return len(in.apply)+len(in.remove) > 0 }

// indexes are the cluster, and that before the change, if there is one.
func (in *input) indexes() []*engine.Index {
	if in.before == nil {
		return []*engine.Index{in.x}
	}
	return []*engine.Index{in.x, in.before.x}
}

// targets reads the arguments of --delete, and checks those of --apply.
func (in *input) targets() ([]cluster.Target, error) {
	if slices.Contains(in.files, manifest.Stdin) && slices.Contains(in.apply, manifest.Stdin) {
		return nil, badFlag("-f - and --apply - cannot both be standard input")
	}
	var out []cluster.Target
	for _, text := range in.remove {
		t, err := cluster.ParseTarget(text)
		if err != nil {
			return nil, badFlag("--delete %v", err)
		}
		out = append(out, t)
	}
	return out, nil
}

// change makes the changes of --apply and --delete. After an error nothing can
// be answered.
func (in *input) change(state *cluster.State, targets []cluster.Target, config string) error {
	if len(in.apply) > 0 {
		state.Apply(in.reader.Read(in.inputs(lastOf(in.apply), config), in.ledger))
	}
	err := state.Delete(targets...)
	var missing *cluster.TargetError
	if errors.As(err, &missing) {
		return coded(dialect.CodeNoTarget, "--delete %v", missing)
	}
	return err
}

// lastOf keeps the last of equal names: what is applied last counts (R139).
func lastOf(files []string) []string {
	var out []string
	for i, f := range files {
		if !slices.Contains(files[i+1:], f) {
			out = append(out, f)
		}
	}
	return out
}

// wasThere reports whether an expression that selects nothing did so already
// before the change. One that did select something is fair to ask about.
func (in *input) wasThere(text string) bool {
	if in.before == nil {
		return false
	}
	_, err := solver.Find(in.before.x, text)
	return err == nil
}

// notThere says that expressions select nothing: "A" and "B" did not exist.
func notThere(texts []string, how string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = fmt.Sprintf("%q", text)
	}
	if how == isGone && len(texts) > 1 {
		how = areGone
	}
	return strings.Join(quoted, " and ") + " " + how
}

// Where one answer says that something was not there, or is not any more.
const (
	didNotExist = "did not exist"
	isGone      = "does not exist any more"
	areGone     = "do not exist any more"
)

// question resolves both sides of a question before the change; missing are
// those that selected nothing.
func (in *input) question(from, to string, ports solver.PortQuery) (q solver.Question, missing []string) {
	find := func(text string) solver.Ends {
		ends, err := solver.Find(in.x, text)
		if err != nil { // it can be read, or the answer would not have come so far
			missing = append(missing, text)
		}
		return ends
	}
	q = solver.Question{From: find(from), To: find(to), Ports: ports}
	return q, slices.Compact(missing)
}

// beforeDocument is what can answered before the change.
type beforeDocument struct {
	Different  bool                     `json:"different"` // anything of what follows
	Answer     string                   `json:"answer"`
	Witness    *witnessDocument         `json:"witness"`
	Counts     countsDocument           `json:"counts"`
	Ports      portsDocument            `json:"ports"`
	Everywhere map[string]portsDocument `json:"everywhere,omitempty"`
	Because    string                   `json:"because,omitempty"` // what did not exist

	errors int // in the input, if the change took some away
}

// canBefore answers the question of a document for the cluster before the
// change.
func (in *input) canBefore(s sentence, ports solver.PortQuery, now *canDocument) *beforeDocument {
	q, missing := in.question(s.from, s.to, ports)
	out := &beforeDocument{Answer: solver.No.String(), Ports: portsDocument{}}
	if len(missing) > 0 {
		out.Because = notThere(missing, didNotExist)
	} else if !onlyOutside(&q.From) || !onlyOutside(&q.To) {
		doc := in.canDocument(s, q, solver.Ask(in.x, q))
		out.Answer, out.Witness, out.Counts, out.Ports, out.Everywhere = doc.Answer, doc.Witness, doc.Counts, doc.Ports, doc.Everywhere
	}
	if in.failed > in.ledger.Count(dialect.Error) {
		out.errors = in.failed
	}
	out.Different = out.Answer != now.Answer || out.Counts != now.Counts || !out.Ports.Equal(now.Ports.PortSet) || !sameEverywhere(out.Everywhere, now.Everywhere)
	return out
}

func sameEverywhere(a, b map[string]portsDocument) bool {
	for _, family := range []string{"IPv4", "IPv6"} {
		if !a[family].Equal(b[family].PortSet) {
			return false
		}
	}
	return true
}

// beforeProse is a line on what was different before.
func (now *canDocument) beforeProse(b *strings.Builder) {
	was := now.Before
	if was == nil {
		return
	}
	answer := "the same"
	if was.Different {
		answer = was.Answer
	}
	printf(b, "before: %s", answer)
	switch was.errors {
	case 0:
	case 1:
		b.WriteString(" (with 1 error in the input)")
	default:
		printf(b, " (with %d errors in the input)", was.errors)
	}
	if !was.Different {
		b.WriteString("\n")
		return
	}
	w := was.Witness
	switch {
	case was.Because != "":
		printf(b, ": %s\n", was.Because)
		return
	case w != nil && was.Answer == now.Answer:
	case was.Answer == "yes":
		printf(b, ": %s reached %s on %s %d", w.From, w.To, w.Protocol, w.Port)
	case was.Answer == "uncertain":
		printf(b, ": whether %s reached %s on %s %d was not known", w.From, w.To, w.Protocol, w.Port)
	}
	if was.Counts.Maybe > 0 && was.Counts != now.Counts {
		printf(b, "; %d of %d sources could", was.Counts.Reaching, was.Counts.From)
		if more := was.Counts.Maybe - was.Counts.Reaching; more > 0 {
			printf(b, ", %d more might", more)
		}
	}
	if !was.Ports.Equal(now.Ports.PortSet) && !was.Ports.Empty() {
		printf(b, "; open for some pair: %s", briefPorts(was.Ports.PortSet))
	}
	if !sameEverywhere(was.Everywhere, now.Everywhere) {
		for _, f := range []string{"IPv4", "IPv6"} {
			if all := was.Everywhere[f]; !all.Empty() {
				printf(b, "; to every %s address: %s", f, briefPorts(all.PortSet))
			}
		}
	}
	b.WriteString("\n")
}
