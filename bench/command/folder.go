package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/podreach/podreach/bench"
)

// folder is a cluster as YAML files.
type folder struct {
	root     string
	from, to *corev1.Pod
	policy   *networkingv1.NetworkPolicy // which is not in the other folder
}

const port = "8080"

// write writes a cluster, object by object, to a new folder: files for
// namespaces, nodes, pods and policies, and the same without one policy.
func write(s bench.Shape, pods int) (f *folder, err error) {
	root, err := os.MkdirTemp("", "podreach-bench-")
	if err != nil {
		return nil, err
	}
	f = &folder{root: root}
	files := map[string]*bufio.Writer{}
	var opened []*os.File
	defer func() {
		for _, w := range files {
			err = errors.Join(err, w.Flush())
		}
		for _, o := range opened {
			err = errors.Join(err, o.Close())
		}
		if err != nil {
			err = errors.Join(err, os.RemoveAll(root))
			f = nil
		}
	}()
	add := func(path string, document []byte) error {
		path = filepath.Join(root, path)
		if files[path] == nil {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // other programs read it
				return err
			}
			o, err := os.Create(path)
			if err != nil {
				return err
			}
			opened, files[path] = append(opened, o), bufio.NewWriter(o)
		}
		_, err := fmt.Fprintf(files[path], "---\n%s", document)
		return err
	}
	for object := range s.Objects(pods) {
		document, err := yaml.Marshal(object)
		if err != nil {
			return nil, err
		}
		name, everywhere := "rest.yaml", true
		switch v := object.(type) {
		case *corev1.Namespace:
			name = "namespaces.yaml"
		case *corev1.Node:
			name = "nodes.yaml"
		case *corev1.Pod:
			name = "pods.yaml"
			if v.Spec.HostNetwork {
				break
			}
			if f.from == nil {
				f.from = v
			}
			f.to = v
		case *networkingv1.NetworkPolicy:
			name = "policies.yaml"
			if f.policy == nil {
				f.policy, everywhere = v, false
			}
		}
		if err := add(filepath.Join("cluster", name), document); err != nil {
			return nil, err
		}
		if everywhere {
			if err := add(filepath.Join("other", name), document); err != nil {
				return nil, err
			}
		}
	}
	if f.from == f.to || f.policy == nil {
		return f, errors.New("the cluster has not two pods and a policy")
	}
	return f, nil
}

var placeholder = regexp.MustCompile(`\{[a-z-]+\}`)

// fill makes the words of a command of a template.
func (f *folder) fill(template, podreach string) ([]string, error) {
	values := map[string]string{
		"{dir}": filepath.Join(f.root, "cluster"), "{other}": filepath.Join(f.root, "other"),
		"{policy}": f.policy.Namespace + "/" + f.policy.Name, "{port}": port, "{podreach}": podreach,
		"{from}": f.from.Namespace + "/" + f.from.Name, "{from-namespace}": f.from.Namespace, "{from-name}": f.from.Name,
		"{to}": f.to.Namespace + "/" + f.to.Name, "{to-namespace}": f.to.Namespace, "{to-name}": f.to.Name,
	}
	unknown := ""
	words := strings.Fields(template)
	for i, w := range words {
		words[i] = placeholder.ReplaceAllStringFunc(w, func(name string) string {
			v, ok := values[name]
			if !ok {
				unknown = name
			}
			return v
		})
	}
	if unknown != "" {
		return nil, fmt.Errorf("no placeholder %s", unknown)
	}
	if len(words) == 0 {
		return nil, errors.New("a template without words")
	}
	return words, nil
}
