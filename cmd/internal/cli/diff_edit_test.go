package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// editedCluster is what the edits are made in.
const editedCluster = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    team: shop
---
apiVersion: v1
kind: Namespace
metadata:
  name: jobs
  labels:
    team: data
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - {name: web, ports: [{name: http, containerPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata:
      labels:
        app: db
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: load, namespace: jobs}
spec:
  template:
    metadata:
      labels:
        app: load
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector:
    matchLabels:
      app: db
  policyTypes:
  - Ingress
  - Egress
  ingress:
  - from:
    - podSelector:
        matchLabels:
          app: web
    ports:
    - port: 5432
  - from:
    - namespaceSelector:
        matchLabels:
          team: data
      podSelector:
        matchLabels:
          app: load
    ports:
    - port: 5433
      endPort: 5440
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector:
    matchLabels:
      app: web
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - ipBlock:
        cidr: 192.0.2.0/24
        except:
        - 192.0.2.128/25
    ports:
    - port: http
  egress:
  - to:
    - podSelector:
        matchLabels:
          app: db
  - to:
    - ipBlock:
        cidr: 198.51.100.0/24
    ports:
    - protocol: UDP
      port: 53
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 10
  subject:
    namespaces:
      matchLabels:
        team: shop
  egress:
  - name: no-test-net
    action: Deny
    to:
    - networks:
      - 203.0.113.0/24
  - name: no-jobs
    action: Deny
    to:
    - namespaces:
        matchLabels:
          team: data
---
apiVersion: v1
kind: Pod
metadata: {name: free, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: free, namespace: jobs}
`

// An edit is named by its line: in the new file, or where it was in the old one.
func TestDiffNamesTheEditedLine(t *testing.T) {
	for i, edit := range []struct {
		after    string // the edit is the first one behind this
		old, now string
	}{
		{"", "    team: data\n", "    team: dat\n"},
		{"name: web, namespace", "        app: web", "        app: wob"},
		{"name: load,", "        app: load", "        app: lood"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "      app: db", "      app: dbx"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "  - Egress\n", ""},
		{"kind: NetworkPolicy\nmetadata: {name: db", "          app: web", "          app: load"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "    - port: 5432", "    - port: 5431"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "          team: data", "          team: dat"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "          app: load", "          app: lood"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "      endPort: 5440\n", "      endPort: 5450\n"},
		{"kind: NetworkPolicy\nmetadata: {name: db", "      podSelector:\n        matchLabels:\n          app: load\n", ""},
		{"kind: NetworkPolicy\nmetadata: {name: db", "    - namespaceSelector:\n        matchLabels:\n          team: data\n      podSelector", "    - podSelector"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "cidr: 192.0.2.0/24", "cidr: 192.0.0.0/16"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "        - 192.0.2.128/25", "        - 192.0.2.192/26"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "    - port: http", "    - port: 8081"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "policyTypes: [Ingress, Egress]", "policyTypes: [Ingress]"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "          app: db", "          app: dbx"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "        cidr: 198.51.100.0/24", "        cidr: 0.0.0.0/0"},
		{"kind: NetworkPolicy\nmetadata: {name: web", "    - protocol: UDP", "    - protocol: TCP"},
		{"kind: AdminNetworkPolicy", "        team: shop", "        team: shap"},
		{"kind: AdminNetworkPolicy", "    action: Deny", "    action: Allow"},
		{"kind: AdminNetworkPolicy", "      - 203.0.113.0/24", "      - 203.0.113.0/25"},
		{"no-jobs", "    action: Deny", "    action: Pass"},
		{"no-jobs", "          team: data", "          team: other"},
	} {
		t.Run(fmt.Sprint(i, edit.old), func(t *testing.T) {
			at := strings.Index(editedCluster, edit.after) + len(edit.after)
			k := strings.Index(editedCluster[at:], edit.old)
			require.GreaterOrEqual(t, k, 0)
			at += k
			edited := editedCluster[:at] + edit.now + editedCluster[at+len(edit.old):]
			line := 1 + strings.Count(editedCluster[:at], "\n")
			last := line + max(0, strings.Count(strings.TrimSuffix(edit.old, "\n"), "\n"))
			dir := t.TempDir()
			old, now := filepath.Join(dir, "old.yaml"), filepath.Join(dir, "new.yaml")
			require.NoError(t, os.WriteFile(old, []byte(editedCluster), 0o600))
			require.NoError(t, os.WriteFile(now, []byte(edited), 0o600))
			stdout, stderr, code := exec("", "diff", old, now, "-o", "json")
			require.Equal(t, exitNo, code, stderr)
			type change struct {
				Because causeDocument
				And     []causeDocument
			}
			var doc struct{ Opened, Closed []change }
			require.NoError(t, json.Unmarshal([]byte(stdout), &doc))
			var places []string
			for _, c := range slices.Concat(doc.Opened, doc.Closed) {
				for _, b := range append([]causeDocument{c.Because}, c.And...) {
					places = append(places, strings.TrimPrefix(strings.TrimPrefix(b.At, now), old), strings.TrimPrefix(b.Was, old))
				}
			}
			near := func(p string) bool {
				for l := line - 2; l <= last; l++ { // the key above a list or a map that has lost an element
					if p == fmt.Sprint(":", l) {
						return true
					}
				}
				return false
			}
			require.NotEmpty(t, places)
			require.True(t, slices.ContainsFunc(places, near), "line %d: %v", line, places)
		})
	}
}
