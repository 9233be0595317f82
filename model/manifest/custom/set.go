package custom

// Pods is what a row finds in an object.
type Pods struct {
	Sets     []Set
	Unknown  string // why its pods, or some of them, cannot be known; "" when they can
	Finished bool   // no pods of it will come any more (R67)

	// Absent is that there are no pods although the conditions of a template
	// hold, because its paths lead to nothing. Podreach's own rows know when
	// that is so; in others a path may be wrong.
	Absent bool
}

// Set is pods that one template stands for.
type Set struct {
	Name             Text // of each pod; may hold GeneratedName
	Groups, Replicas int  // that many groups of so many pods each; Many when that is not known
	From             int  // the number of the first pod of a group

	Template, Spec any // a pod template and a bare pod spec as the object has them; nil when it has none
	TemplatePath   string
	SpecPath       string
	Containers     []Located // containers, and lists of containers
	HostNetwork    bool
	ServiceAccount string
	Ports          []Port
	DropPorts      bool // the controller drops ports of the containers of Template and Spec

	LabelsFrom []Located // maps of labels of the object, weaker than the template's own
	LabelsOver []Located // such maps that are stronger than Labels
	Labels     []Label   // stronger than the template's own, in the order of keys
	AddMissing []Label   // weaker
	Opaque     []string  // keys whose value nobody knows (R65)
	Uncertain  []string  // keys that the pods may have or not, with any value (R66)

	Incomplete string // why not all containers are there, "" when they are
}

// Located is a value with its place in the object.
type Located struct {
	Value any
	Path  string
}

// Label is a label that the controller sets. A value that holds GeneratedName
// is not known, one that holds Uncertain may be any, or none.
type Label struct {
	Key   string
	Value Text
}

// Port is a declared port that the controller adds.
type Port struct {
	Name, Protocol string
	Number         int
	UnlessDeclared bool // only where no container has a port of the name
}

// Problem is a value of the object that does not fit the row.
type Problem struct {
	Path  string // in the object
	Value any
	Want  string // "a whole number", "at most 1000 members"
	Limit bool   // it exceeds one of the bounds
}
