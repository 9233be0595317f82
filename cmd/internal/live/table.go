package live

import (
	"regexp"
	"strings"
)

// maxTable bounds what `kubectl api-resources` may print, in bytes.
const maxTable = 16 << 20

// parseTable reads what `kubectl api-resources` prints:
//
//	NAME       SHORTNAMES   APIVERSION   NAMESPACED   KIND
//	pods       po           v1           true         Pod
//
// Short names may be absent. It reports false if that is no such table.
func parseTable(text string) ([]resource, bool) {
	header, rows, _ := strings.Cut(text, "\n")
	columns := strings.Fields(header)
	if len(columns) < 5 || columns[0] != "NAME" || strings.Join(columns[len(columns)-3:], " ") != "APIVERSION NAMESPACED KIND" {
		return nil, false
	}
	var out []resource
	for row := range strings.Lines(rows) {
		fields := strings.Fields(row)
		n := len(fields)
		if n < 4 {
			continue
		}
		r := resource{name: fields[0], apiVersion: fields[n-3], namespaced: fields[n-2] == "true", kind: fields[n-1]}
		if group := groupOf(r.apiVersion); group != "" {
			r.name += "." + group
		}
		out = append(out, r)
	}
	return out, len(out) > 0
}

// failedGroup is an API group that did not say which kinds it serves.
type failedGroup struct{ apiVersion, reason string }

// incomplete begins what kubectl says when some API groups do not answer, as
// happens when the server behind an aggregated API is gone.
const incomplete = "unable to retrieve the complete list of server APIs: "

var groupVersion = regexp.MustCompile(`(?:^|, )((?:[a-z0-9.-]+/)?v[0-9][a-z0-9]*): `)

// parseFailures reads "... server APIs: metrics.k8s.io/v1beta1: reason, x/v1:
// reason".
func parseFailures(message string) []failedGroup {
	_, list, found := strings.Cut(message, incomplete)
	if !found {
		return nil
	}
	var out []failedGroup
	at := groupVersion.FindAllStringSubmatchIndex(list, -1)
	for i, m := range at {
		end := len(list)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		out = append(out, failedGroup{list[m[2]:m[3]], strings.TrimSpace(list[m[1]:end])})
	}
	return out
}

// groupOf is the API group of "group/version"; the core group is "".
func groupOf(apiVersion string) string {
	group, _, found := strings.Cut(apiVersion, "/")
	if !found {
		return ""
	}
	return group
}
