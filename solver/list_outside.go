package solver

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

// outsideOpens is what classes inside may open to parts of outside address
// space, or these to them: one vector for all classes for which it is the same.
type outsideOpens struct {
	parts   []engine.Outside
	keyOf   []int32    // class -> vectors
	vectors [][]uint32 // for each part, what is opened

	classes []engine.Class // of the parts
	keys    map[string]int32

	// Until the last row of classes has come, keyOf is into steps: what the
	// rows so far say, one of them after the other.
	partOf map[engine.Class]int32
	rows   [][]int32 // the parts of each row that had some
	steps  []outsideStep
	stepAt map[outsideStep]int32
}

// outsideStep adds to what the steps before say what a row opens.
type outsideStep struct {
	before int32
	row    int32
	opens  uint32
}

func newOutsideOpens(x *engine.Index, parts []engine.Outside) outsideOpens {
	o := outsideOpens{parts: parts, keyOf: make([]int32, x.Classes()), keys: map[string]int32{},
		partOf: map[engine.Class]int32{}, steps: make([]outsideStep, 1), stepAt: map[outsideStep]int32{}}
	for i := range parts {
		c := x.Class(parts[i].Endpoint)
		o.classes = append(o.classes, c)
		o.partOf[c] = int32(i)
	}
	return o
}

// to returns the key of what a row opens to the parts; layerOf is what it
// opens to each class.
func (o *outsideOpens) to(layerOf []uint32) int32 {
	var k []byte
	for _, c := range o.classes {
		k = binary.LittleEndian.AppendUint32(k, layerOf[c])
	}
	key, ok := o.keys[string(k)]
	if !ok {
		key = int32(len(o.vectors))
		o.keys[string(k)] = key
		v := make([]uint32, len(o.classes))
		for i, c := range o.classes {
			v[i] = layerOf[c]
		}
		o.vectors = append(o.vectors, v)
	}
	return key
}

// from takes up what a row opens from parts that are among its sources to
// classes inside, those with a number in dstAt.
func (o *outsideOpens) from(row *classRow, opens *portBounds, dstAt []int32) {
	var parts []int32
	for _, c := range row.sources {
		if i, ok := o.partOf[c]; ok {
			parts = append(parts, i)
		}
	}
	if len(parts) == 0 {
		return
	}
	n := int32(len(o.rows))
	o.rows = append(o.rows, parts)
	for i := range row.layers {
		id := opens.number(row.layers[i].bounds)
		for _, c := range row.layers[i].classes {
			if dstAt[c] == 0 {
				continue
			}
			s := outsideStep{o.keyOf[c], n, id}
			at, ok := o.stepAt[s]
			if !ok {
				at = int32(len(o.steps))
				o.stepAt[s] = at
				o.steps = append(o.steps, s)
			}
			o.keyOf[c] = at
		}
	}
}

// last turns steps into vectors, once all rows have come.
func (o *outsideOpens) last() {
	keyAt := make([]int32, len(o.steps)) // plus 1
	for c, step := range o.keyOf {
		if keyAt[step] == 0 {
			v := make([]uint32, len(o.parts))
			for s := step; s > 0; s = o.steps[s].before {
				for _, i := range o.rows[o.steps[s].row] {
					v[i] = o.steps[s].opens
				}
			}
			o.vectors = append(o.vectors, v)
			keyAt[step] = int32(len(o.vectors))
		}
		o.keyOf[c] = keyAt[step] - 1
	}
}

// outside adds the rows with an outside party: per party, atoms with equal
// ports are joined.
func (l *lister) outside() {
	l.outsideRows(l.src, model.Egress)
	l.outsideRows(l.dst, model.Ingress)
}

// outsideParty is a party with the keys of its classes.
type outsideParty struct {
	party uint32
	keys  []int32             // into outsideOpens.vectors
	first []engine.EndpointID // a member, for each key
}

// outsideParties returns the parties, those of equal keys in a row.
func (l *lister) outsideParties(inside []classMembers, o *outsideOpens) []outsideParty {
	var out []outsideParty
	at := map[uint32]int{}
	type pairing struct {
		party int
		key   int32
	}
	seen := map[pairing]bool{}
	for i := range inside {
		key := o.keyOf[inside[i].class]
		for _, m := range inside[i].parties {
			j, ok := at[m.party]
			if !ok {
				j = len(out)
				at[m.party] = j
				out = append(out, outsideParty{party: m.party})
			}
			if !seen[pairing{j, key}] {
				seen[pairing{j, key}] = true
				p := &out[j]
				p.keys, p.first = append(p.keys, key), append(p.first, m.first)
			}
		}
	}
	slices.SortStableFunc(out, func(p, q outsideParty) int { return slices.Compare(p.keys, q.keys) })
	return out
}

func (l *lister) outsideRows(inside []classMembers, d model.Direction) {
	o := &l.outer[d]
	if len(o.parts) == 0 {
		return
	}
	parties := l.outsideParties(inside, o)
	var certain, uncertain []*outsideRow
	for i := range parties {
		p := &parties[i]
		if i == 0 || !slices.Equal(p.keys, parties[i-1].keys) {
			certain, uncertain = l.joinParts(l.outsideCells(o, p.keys), o.parts)
		}
		for _, r := range certain {
			l.out.Certain = append(l.out.Certain, l.outsideConnection(r, p, d))
		}
		for _, r := range uncertain {
			l.out.Uncertain = append(l.out.Uncertain, l.outsideConnection(r, p, d))
		}
	}
}

// outsideCell is what parties of equal keys may open to or from one part.
type outsideCell struct {
	opens      uint32
	doubtKey   int           // the first of the keys that is uncertain,
	doubtPorts model.PortSet // and at which ports
	lower      model.PortSet
	upper      model.PortSet
}

func (l *lister) outsideCells(o *outsideOpens, keys []int32) []outsideCell {
	cells := make([]outsideCell, len(o.parts))
	for i, key := range keys {
		for j, opens := range o.vectors[key] {
			c := &cells[j]
			c.opens = l.opens.join(c.opens, opens)
			if c.doubtPorts.Empty() {
				b := &l.opens.all[opens]
				c.doubtKey, c.doubtPorts = i, b.Upper.Minus(b.Lower)
			}
		}
	}
	for j := range cells {
		b := &l.opens.all[cells[j].opens]
		cells[j].lower, cells[j].upper = b.Lower, b.Upper
	}
	return cells
}

// outsideRow joins parts with equal ports. Where these are uncertain, the
// first of the parts shows why.
type outsideRow struct {
	ports   model.PortSet
	kind    PartyKind
	builder netipx.IPSetBuilder
	cidrs   []netip.Prefix
	cell    *outsideCell // nil: certain
	part    engine.EndpointID
}

func (l *lister) joinParts(cells []outsideCell, parts []engine.Outside) (certain, uncertain []*outsideRow) {
	// Where nothing says that IPv6 exists, its answer is shown only if it
	// allows something that the IPv4 answer does not (R47).
	everywhere4, some4 := model.AllPorts(), false
	for j := range parts {
		if parts[j].Ranges[0].From().Is4() {
			some4 = true
			everywhere4 = everywhere4.Intersect(cells[j].lower)
		}
	}
	type key struct {
		ports  string
		doubts bool
	}
	at := map[key]*outsideRow{}
	add := func(to *[]*outsideRow, ports model.PortSet, part *engine.Outside, doubt *outsideCell) {
		if ports.Empty() {
			return
		}
		k := key{ports.String(), doubt != nil}
		r := at[k]
		if r == nil {
			r = &outsideRow{ports: ports, kind: PartyExternal, cell: doubt, part: part.Endpoint}
			at[k] = r
			*to = append(*to, r)
		}
		for _, a := range part.Ranges {
			r.builder.AddRange(a)
		}
	}
	for j := range parts {
		c := &cells[j]
		if some4 && !parts[j].Ranges[0].From().Is4() && everywhere4.ContainsAll(c.upper) && c.lower.Empty() {
			continue
		}
		add(&certain, c.lower, &parts[j], nil)
		add(&uncertain, c.upper.Minus(c.lower), &parts[j], c)
	}
	for _, r := range at {
		set := build(&r.builder)
		r.cidrs = set.Prefixes()
		if !slices.ContainsFunc(set.Ranges(), func(a netipx.IPRange) bool { return !l.clusterRanges.ContainsRange(a) }) {
			r.kind = PartyUnassigned
		}
	}
	return certain, uncertain
}

func (l *lister) outsideConnection(r *outsideRow, p *outsideParty, d model.Direction) Connection {
	c := Connection{From: l.list[p.party], To: Party{Kind: r.kind, Name: "external"}, Ports: r.ports, CIDRs: r.cidrs}
	if r.kind == PartyUnassigned {
		c.To.Name = "cluster-unassigned"
	}
	if r.cell != nil {
		f := engine.Flow{Src: p.first[r.cell.doubtKey], Dst: r.part}
		if d == model.Ingress {
			f.Src, f.Dst = f.Dst, f.Src
		}
		f.Protocol, f.Port = telling(r.cell.doubtPorts)
		c.Reason = Reason(l.x, f)
	}
	if d == model.Ingress {
		c.From, c.To = c.To, c.From
	}
	return c
}
