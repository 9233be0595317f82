package cilium

import (
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	slimcorev1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/core/v1"
	slimnetworkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/types"
	testidentity "github.com/cilium/cilium/pkg/testutils/identity"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	ciliumtypes "github.com/cilium/cilium/pkg/types"
)

const clusterName = "default"

var quiet = slog.New(slog.DiscardHandler)

// configure sets what Cilium keeps in globals: its defaults, with both families
// and with the features on which peers of a ClusterNetworkPolicy hang.
var configure = sync.OnceValue(func() error {
	option.Config.EnableIPv4, option.Config.EnableIPv6 = true, true
	option.Config.ClusterName = clusterName
	option.Config.EnableNodeSelectorLabels, option.Config.EnableL7Proxy = true, true
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways // as daemon/cmd/daemon.go has it with Kubernetes (R128)
	policy.SetPolicyEnabled(option.DefaultEnforcement)
	return labelsfilter.ParseLabelPrefixCfg(quiet, nil, nil, "")
})

// namespace is what Cilium asks of a Namespace object.
type namespace struct {
	name   string
	labels map[string]string
}

func (n namespace) GetName() string              { return n.name }
func (n namespace) GetLabels() map[string]string { return n.labels }

// world is one cluster as Cilium's agents see it. It is for one goroutine.
type world struct {
	pods     map[string]*endpoint // "namespace/name"
	entries  types.PolicyEntries
	parts    map[ipcachetypes.ResourceID]types.PolicyEntries // entries by what they come from
	repo     *policy.Repository
	ids      identitymanager.IDManager
	prefixes []netip.Prefix // that policies name, each with an identity; the longest first
	outside  map[netip.Prefix]*identity.Identity
	sides    map[identity.NumericIdentity]*policy.EndpointPolicy
}

// endpoint is a pod.
type endpoint struct {
	identity  *identity.Identity
	ports     ciliumtypes.NamedPortMap
	unmanaged bool // no policy has it as a subject
}

// reserved is the identity of what is no endpoint of Cilium's.
func reserved(n identity.NumericIdentity) *identity.Identity {
	return identity.LookupReservedIdentity(n)
}

// newWorld gives every pod its identity and loads the policies.
func newWorld(o *objects) (*world, error) {
	if err := configure(); err != nil {
		return nil, err
	}
	w := &world{pods: map[string]*endpoint{}, parts: map[ipcachetypes.ResourceID]types.PolicyEntries{}, outside: map[netip.Prefix]*identity.Identity{}, sides: map[identity.NumericIdentity]*policy.EndpointPolicy{}}
	if err := w.parse(o); err != nil {
		return nil, err
	}
	known := identity.IdentityMap{}
	for _, n := range []identity.NumericIdentity{identity.ReservedIdentityHost, identity.ReservedIdentityRemoteNode, identity.ReservedIdentityUnmanaged} {
		known[n] = reserved(n).LabelArray
	}
	named := ciliumtypes.NewNamedPortMultiMap()
	shared := map[string]*identity.Identity{}
	for _, p := range o.pods {
		var e *endpoint
		if p.unmanaged { // as updatePodHostData of pkg/k8s/watchers/pod.go
			ports, _ := k8s.GetPodMetadata(quiet, o.namespaces[p.Namespace], p.Pod)
			e = &endpoint{reserved(identity.ReservedIdentityUnmanaged), ports, true}
		} else {
			e = w.endpoint(o, p.Pod, shared)
			known[e.identity.ID] = e.identity.LabelArray
		}
		named.Update(e.identity.ID, nil, e.ports)
		w.pods[p.Namespace+"/"+p.Name] = e
	}
	w.outsiders(known)
	w.ids = identitymanager.NewIDManager(quiet)
	w.repo = policy.NewPolicyRepository(quiet, known, nil, nil, w.ids, testpolicy.NewPolicyMetricsNoop())
	w.repo.SetNamedPortsGetter(namedPorts{named})
	w.repo.GetSelectorCache().SetLocalIdentityNotifier(testidentity.NewDummyIdentityNotifier())
	w.ids.Subscribe(testpolicy.SelectorCacheObserver{Cache: w.repo.GetSubjectSelectorCache()})
	for _, id := range slices.Sorted(maps.Keys(w.parts)) {
		w.repo.ReplaceByResource(w.parts[id], id)
	}
	for _, id := range shared {
		w.ids.Add(id)
	}
	return w, nil
}

// endpoint makes the identity of a pod as an agent does for a new endpoint
// (pkg/endpoint/metadata/k8s_metadatafetcher.go): labels of the pod and its
// namespace that the filter lets through, and named ports.
func (w *world) endpoint(o *objects, p *slimcorev1.Pod, shared map[string]*identity.Identity) *endpoint {
	ports, all := k8s.GetPodMetadata(quiet, o.namespaces[p.Namespace], p)
	kept, _ := labelsfilter.Filter(labels.Map2Labels(all, labels.LabelSourceK8s))
	array := kept.LabelArray()
	array = append(array, k8s.NamedPortsIdentityLabels(ports)...)
	array = array.Sort()
	key := array.String()
	if shared[key] == nil {
		shared[key] = identity.NewIdentityFromLabelArray(identity.NumericIdentity(1000+len(shared)), array)
	}
	return &endpoint{identity: shared[key], ports: ports}
}

// outsiders makes an identity for each prefix that a policy names, and those of
// the rest of the world.
func (w *world) outsiders(known identity.IdentityMap) {
	for _, e := range w.entries {
		for _, s := range e.L3 {
			for _, p := range s.GetCIDRPrefixes() {
				w.prefixes = append(w.prefixes, p.Masked())
			}
		}
	}
	slices.SortFunc(w.prefixes, func(a, b netip.Prefix) int {
		if a.Bits() != b.Bits() {
			return b.Bits() - a.Bits()
		}
		return a.Addr().Compare(b.Addr())
	})
	w.prefixes = slices.Compact(w.prefixes)
	add := func(p netip.Prefix, n identity.NumericIdentity) {
		id := identity.NewIdentityFromLabelArray(n, labels.GetCIDRLabelArray(p).Sort())
		w.outside[p] = id
		known[n] = id.LabelArray
	}
	for i, p := range w.prefixes {
		if p.Bits() > 0 {
			add(p, identity.IdentityScopeLocal+identity.NumericIdentity(i+1))
		}
	}
	add(netip.PrefixFrom(netip.IPv4Unspecified(), 0), identity.ReservedIdentityWorldIPv4)
	add(netip.PrefixFrom(netip.IPv6Unspecified(), 0), identity.ReservedIdentityWorldIPv6)
}

// identityOf is that of the longest prefix around an outside address, as the
// ipcache has it.
func (w *world) identityOf(a netip.Addr) *identity.Identity {
	for _, p := range w.prefixes {
		if p.Contains(a) && p.Bits() > 0 {
			return w.outside[p]
		}
	}
	world, _ := a.Prefix(0)
	return w.outside[world]
}

// parse turns the policies into Cilium's.
func (w *world) parse(o *objects) error {
	add := func(id ipcachetypes.ResourceID, entries types.PolicyEntries) {
		w.parts[id] = append(w.parts[id], entries...)
		w.entries = append(w.entries, entries...)
	}
	for _, np := range o.policies {
		entries, err := k8s.ParseNetworkPolicy(quiet, clusterName, np)
		if err != nil {
			return fmt.Errorf("cilium: %w", err)
		}
		add(resourceOf(np), entries)
	}
	for _, cnp := range o.admin {
		entries, err := k8s.ParseClusterNetworkPolicy(quiet, clusterName, cnp)
		if err != nil && strings.HasPrefix(err.Error(), "egress.to.domainNames is only supported for egress.action=Accept") {
			continue // as the agent does: addK8sClusterNetworkPolicy of pkg/policy/k8s (R100)
		}
		if err != nil {
			return fmt.Errorf("cilium: %w", err)
		}
		add(ipcachetypes.NewResourceID("cnp", "", cnp.Name), entries)
	}
	return nil
}

// resourceOf is what an agent keeps the entries of a policy under
// (pkg/policy/k8s/network_policy.go).
func resourceOf(np *slimnetworkingv1.NetworkPolicy) ipcachetypes.ResourceID {
	return ipcachetypes.NewResourceID(ipcachetypes.ResourceKindNetpol, np.Namespace, np.Name)
}

// namedPorts is what the ipcache knows of the ports of pods.
type namedPorts struct{ all ciliumtypes.NamedPortMultiMap }

func (n namedPorts) GetNamedPorts() ciliumtypes.NamedPortMultiMap { return n.all }
