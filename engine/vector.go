package engine

// vector is a list of which changed copies share what did not change: a tree of
// fixed depth, of which a version copies what is on the way to what it writes.
// Reading costs two more loads than a slice. The zero vector is empty.
type vector[T any] struct {
	root    []*branch[T]
	n       int
	version uint64 // that root was copied for
}

const (
	fanShift = 6
	fan      = 1 << fanShift // of a branch and of a leaf
)

type branch[T any] struct {
	leaves  [fan]*leaf[T]
	version uint64
}

type leaf[T any] struct {
	at      [fan]T
	version uint64
}

// newVector takes over nothing of list. Cost: O(len(list)).
func newVector[T any](list []T) vector[T] {
	v := vector[T]{n: len(list), root: make([]*branch[T], 0, (len(list)+fan*fan-1)>>(2*fanShift))}
	leaves := make([]leaf[T], (len(list)+fan-1)>>fanShift)
	for i := range leaves {
		if i%fan == 0 {
			v.root = append(v.root, &branch[T]{})
		}
		list = list[copy(leaves[i].at[:], list):]
		v.root[i/fan].leaves[i%fan] = &leaves[i]
	}
	return v
}

func (v *vector[T]) get(i int) T {
	return v.root[i>>(2*fanShift)].leaves[i>>fanShift&(fan-1)].at[i&(fan-1)]
}

// at is get, and the zero value of what nobody has set.
func (v *vector[T]) at(i int) (zero T) {
	top, mid := i>>(2*fanShift), i>>fanShift&(fan-1)
	if top >= len(v.root) || v.root[top] == nil || v.root[top].leaves[mid] == nil {
		return zero
	}
	return v.root[top].leaves[mid].at[i&(fan-1)]
}

// set changes or appends one element for a version, which no other vector may
// have: what older versions see stays as it is. Cost: O(fan + n/fan²) for the
// first write of a version to a leaf, O(1) after that.
func (v *vector[T]) set(i int, value T, version uint64) {
	top, mid := i>>(2*fanShift), i>>fanShift&(fan-1)
	if v.version != version {
		v.version = version
		v.root = append(make([]*branch[T], 0, len(v.root)+1), v.root...)
	}
	for top >= len(v.root) {
		v.root = append(v.root, nil)
	}
	b := v.root[top]
	switch {
	case b == nil:
		b = &branch[T]{version: version}
	case b.version != version:
		c := *b
		c.version = version
		b = &c
	}
	v.root[top] = b
	l := b.leaves[mid]
	switch {
	case l == nil:
		l = &leaf[T]{version: version}
	case l.version != version:
		c := *l
		c.version = version
		l = &c
	}
	b.leaves[mid] = l
	l.at[i&(fan-1)] = value
	v.n = max(v.n, i+1)
}
