package accept

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apiextensions-apiserver/pkg/client/informers/externalversions"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apiserver/pkg/endpoints/handlers"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkpolicy "k8s.io/kubernetes/pkg/registry/networking/networkpolicy/storage"
	"sigs.k8s.io/yaml"
)

// server takes objects of one resource.
type server struct {
	handler http.Handler
	request request.RequestInfo
}

// create sends an object without storing it, to the namespace if there is one.
// It fails when the server does.
func (s *server) create(text, namespace string) (Answer, error) {
	info := s.request
	info.Namespace = namespace
	ctx := request.WithNamespace(request.WithRequestInfo(context.Background(), &info), namespace)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "/?dryRun=All&fieldValidation=Strict", strings.NewReader(text))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", ContentType(text))
	req.Header.Set("Accept", "application/json")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, req)
	switch {
	case w.Code == http.StatusCreated:
		return Answer{Object: w.Body.String()}, nil
	case w.Code < 400 || w.Code >= 500 || w.Code == http.StatusNotFound:
		return Answer{}, fmt.Errorf("the server answers %d: %s", w.Code, w.Body)
	}
	return Refusal(w.Body.Bytes())
}

// empty is a store that has nothing, which is all that a create without
// storing asks.
type empty struct{ storage.Interface }

func (empty) Get(_ context.Context, key string, _ storage.GetOptions, _ runtime.Object) error {
	return storage.NewKeyNotFoundError(key, 0)
}

// nowhere gives each resource an empty store, whose objects would be of codec.
type nowhere struct{ codec runtime.Codec }

func (n nowhere) GetRESTOptions(r schema.GroupResource, _ runtime.Object) (generic.RESTOptions, error) {
	config := storagebackend.Config{Codec: n.codec}
	return generic.RESTOptions{
		StorageConfig: config.ForResource(r), ResourcePrefix: r.String(),
		Decorator: func(*storagebackend.ConfigForResource, string, func(runtime.Object) (string, error), func() runtime.Object, func() runtime.Object,
			storage.AttrFunc, storage.IndexerFuncs, *cache.Indexers,
		) (storage.Interface, factory.DestroyFunc, error) {
			return empty{}, func() {}, nil
		},
	}, nil
}

// networkPolicies is what kube-apiserver has at networkpolicies
// (k8s.io/apiserver pkg/endpoints/installer.go).
func networkPolicies() (*server, error) {
	kind := networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy")
	codec := legacyscheme.Codecs.LegacyCodec(networkingv1.SchemeGroupVersion)
	storage, err := networkpolicy.NewREST(nowhere{codec})
	if err != nil {
		return nil, err
	}
	scheme := legacyscheme.Scheme
	scope := &handlers.RequestScope{
		Namer:      handlers.ContextBasedNaming{Namer: meta.NewAccessor()},
		Serializer: legacyscheme.Codecs, ParameterCodec: legacyscheme.ParameterCodec,
		Creater: scheme, Convertor: scheme, Defaulter: scheme, Typer: scheme, UnsafeConvertor: runtime.UnsafeObjectConvertor(scheme), //nolint:misspell // upstream's word
		EquivalentResourceMapper: runtime.NewEquivalentResourceRegistry(), TableConvertor: storage,
		Resource: networkingv1.SchemeGroupVersion.WithResource("networkpolicies"), Kind: kind,
		HubGroupVersion: networking.SchemeGroupVersion, MetaGroupVersion: metav1.SchemeGroupVersion,
	}
	scope.FieldManager, err = managedfields.NewDefaultFieldManager(managedfields.NewDeducedTypeConverter(),
		scope.UnsafeConvertor, scheme, scheme, kind, scope.HubGroupVersion, "", nil)
	if err != nil {
		return nil, err
	}
	return &server{handlers.CreateResource(storage, scope, nil), requestFor(scope.Resource)}, nil
}

func requestFor(r schema.GroupVersionResource) request.RequestInfo {
	return request.RequestInfo{IsResourceRequest: true, Verb: "create", APIPrefix: "apis", APIGroup: r.Group, APIVersion: r.Version, Resource: r.Resource}
}

// definitions are where the custom resource definitions of admin policies are,
// in the module sigs.k8s.io/network-policy-api: of the experimental channel,
// of the last version that has them.
var definitions = []struct{ kind, version, file string }{
	{"AdminNetworkPolicy", "v0.1.7", "policy.networking.k8s.io_adminnetworkpolicies.yaml"},
	{"BaselineAdminNetworkPolicy", "v0.1.7", "policy.networking.k8s.io_baselineadminnetworkpolicies.yaml"},
	{"ClusterNetworkPolicy", "v0.2.0", "policy.networking.k8s.io_clusternetworkpolicies.yaml"},
}

// sums are what go.sum says of these versions. Only one version of a module can
// be in go.mod.
var sums = map[string]string{
	"v0.1.7": "h1:obY2FTEidLXVdRYu7gJ4q1RYE57pBnrpMqoE2LZgp4g=",
	"v0.2.0": "h1:W/f0Y9VoeQdOWjX/h2gZyLH6gZ5LLEXmh/9wy9mQWKw=",
}

// adminPolicies is what kube-apiserver has for custom resources, by kind
// (k8s.io/apiextensions-apiserver pkg/apiserver/apiserver.go).
func adminPolicies() (map[string]*server, error) {
	informer := externalversions.NewSharedInformerFactory(nil, 0).Apiextensions().V1().CustomResourceDefinitions() // of definitions that are put into it by hand
	handler, err := apiextensions.NewCustomResourceDefinitionHandler(nil, nil, informer, http.NotFoundHandler(),
		nowhere{unstructured.UnstructuredJSONScheme}, nil, nil, nil, nil, 1, nil, time.Minute, time.Minute, nil, 0)
	if err != nil {
		return nil, err
	}
	out := map[string]*server{}
	for _, d := range definitions {
		crd, err := definition(d.version, d.file)
		if err != nil {
			return nil, err
		}
		if err := informer.Informer().GetIndexer().Add(crd); err != nil {
			return nil, err
		}
		resource := schema.GroupVersionResource{Group: crd.Spec.Group, Version: crd.Spec.Versions[0].Name, Resource: crd.Spec.Names.Plural}
		out[d.kind] = &server{handler, requestFor(resource)}
	}
	return out, nil
}

// definition reads a definition out of Go's module cache, as an API server has
// it that serves it for long.
func definition(version, file string) (*apiextensionsv1.CustomResourceDefinition, error) {
	list, err := exec.Command("go", "mod", "download", "-json", "sigs.k8s.io/network-policy-api@"+version).Output() //nolint:gosec // the versions above
	if err != nil {
		return nil, fmt.Errorf("go mod download: %w: %s", err, list)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(list, &module); err != nil {
		return nil, err
	}
	if module.Sum != sums[version] {
		return nil, fmt.Errorf("network-policy-api %s has the sum %s", version, module.Sum)
	}
	text, err := os.ReadFile(filepath.Join(module.Dir, "config", "crd", "experimental", file))
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := yaml.UnmarshalStrict(text, crd); err != nil {
		return nil, err
	}
	apiextensions.Scheme.Default(crd)
	crd.UID = types.UID(crd.Name)
	crd.Status.AcceptedNames = crd.Spec.Names
	crd.Status.StoredVersions = []string{crd.Spec.Versions[0].Name}
	for _, c := range []apiextensionsv1.CustomResourceDefinitionConditionType{apiextensionsv1.NamesAccepted, apiextensionsv1.Established} {
		crd.Status.Conditions = append(crd.Status.Conditions, apiextensionsv1.CustomResourceDefinitionCondition{Type: c, Status: apiextensionsv1.ConditionTrue})
	}
	return crd, nil
}
