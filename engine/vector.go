package engine

// vector is a list of which changed copies share what did not change: pages of
// pageSize elements, each copied when a version first writes to it. Reading
// costs one more load than a slice. The zero vector is empty.
type vector[T any] struct {
	pages   []*page[T]
	n       int
	version uint64 // that pages was copied for
}

const (
	pageShift = 9
	pageSize  = 1 << pageShift
)

type page[T any] struct {
	at      [pageSize]T
	version uint64
}

// newVector takes over nothing of list. Cost: O(len(list)).
func newVector[T any](list []T) vector[T] {
	v := vector[T]{n: len(list), pages: make([]*page[T], 0, (len(list)+pageSize-1)>>pageShift)}
	for len(list) > 0 {
		p := &page[T]{}
		list = list[copy(p.at[:], list):]
		v.pages = append(v.pages, p)
	}
	return v
}

func (v *vector[T]) get(i int) T { return v.pages[i>>pageShift].at[i&(pageSize-1)] }

// at is get, and the zero value behind the end.
func (v *vector[T]) at(i int) (zero T) {
	if i < v.n {
		return v.get(i)
	}
	return zero
}

// set changes or appends one element for a version, which no other vector may
// have: what older versions see stays as it is. Cost: O(pageSize + pages) for
// the first write of a version to a page, O(1) after that.
func (v *vector[T]) set(i int, value T, version uint64) {
	if v.version != version {
		v.version = version
		v.pages = append(make([]*page[T], 0, len(v.pages)+1), v.pages...)
	}
	at := i >> pageShift
	for at >= len(v.pages) {
		v.pages = append(v.pages, &page[T]{version: version})
	}
	if v.pages[at].version != version {
		p := *v.pages[at]
		p.version = version
		v.pages[at] = &p
	}
	v.pages[at].at[i&(pageSize-1)] = value
	v.n = max(v.n, i+1)
}
