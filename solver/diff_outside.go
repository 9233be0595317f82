package solver

import (
	"fmt"
	"slices"

	"github.com/podreach/podreach/model"
)

// outwardPair is what a party may open to, or accept from, a range of outside
// addresses.
type outwardPair struct {
	inside, part int // parties
	outcome      *outcome
}

// joinOutside makes findings of what differs for outside addresses: for each
// party, ranges of equal moves are joined.
func (d *comparison) joinOutside() {
	for dir := range d.outward {
		list := d.outward[dir]
		slices.SortStableFunc(list, func(p, q outwardPair) int { return p.inside - q.inside })
		for len(list) > 0 {
			n := 1
			for n < len(list) && list[n].inside == list[0].inside {
				n++
			}
			d.joinParts(model.Direction(dir), list[:n])
			list = list[n:]
		}
		d.outward[dir] = nil
	}
}

func (d *comparison) joinParts(dir model.Direction, list []outwardPair) {
	if !slices.ContainsFunc(list, func(p outwardPair) bool { return len(p.outcome.moves) > 0 }) {
		return
	}
	everywhere, some4 := d.everywhere4(list)
	at := map[string]int{}
	for _, p := range list {
		o := p.outcome
		if some4 && !d.parties[p.part].addr.Is4() && hidden(o, everywhere) {
			continue
		}
		inside, part := &d.parties[p.inside], &d.parties[p.part]
		for _, m := range o.moves {
			k := fmt.Sprint(m.ports, m.before, m.after, m.some, m.shows)
			i, ok := at[k]
			if !ok {
				i = len(d.found)
				at[k] = i
				f := movement{parties: [...]int{p.inside, p.part}, move: m, cells: [...]*jointCell{inside.cells[m.shows], part.cells[0]}}
				if dir == model.Ingress {
					f.parties[0], f.parties[1] = f.parties[1], f.parties[0]
					f.cells[0], f.cells[1] = f.cells[1], f.cells[0]
				}
				d.found = append(d.found, f)
			}
			d.found[i].parts = append(d.found[i].parts, p.part)
		}
	}
}

// everywhere4 is the ports that are certainly open to every IPv4 address, in
// each version.
func (d *comparison) everywhere4(list []outwardPair) (ports [versions]model.PortSet, some bool) {
	ports = [...]model.PortSet{model.AllPorts(), model.AllPorts()}
	seen := map[*outcome]bool{}
	for _, p := range list {
		if !d.parties[p.part].addr.Is4() || seen[p.outcome] {
			continue
		}
		seen[p.outcome], some = true, true
		for v := range ports {
			ports[v] = ports[v].Intersect(p.outcome.union[v].Lower)
		}
	}
	return ports, some
}

// hidden reports whether IPv6 addresses, of which nothing says that they
// exist, add nothing to what is so of IPv4 in either version (R47).
func hidden(o *outcome, everywhere4 [versions]model.PortSet) bool {
	for v := range everywhere4 {
		if !o.union[v].Lower.Empty() || !everywhere4[v].ContainsAll(o.union[v].Upper) {
			return false
		}
	}
	return true
}
