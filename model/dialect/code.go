package dialect

import "slices"

// The codes. See Codes for what they mean.
const (
	CodeSyntax          Code = 1001
	CodeNotAnObject     Code = 1002
	CodeEmptyFile       Code = 1003
	CodeDuplicateObject Code = 1004
	CodeUnknownField    Code = 1005
	CodeWrongType       Code = 1006
	CodeUnreadable      Code = 1007
	CodeLimit           Code = 1008
	CodeNoName          Code = 1009
	CodeDuplicateKey    Code = 1010
	CodeBadAddress      Code = 1011
	CodeNoObjects       Code = 1012
	CodeNotFollowed     Code = 1013
	CodeUnread          Code = 1014
	CodeSelectsNothing  Code = 1020
	CodeBadExpression   Code = 1021
	CodeBadFlag         Code = 1022
	CodeBadConfig       Code = 1023
	CodeNoTarget        Code = 1024
	CodeNotAsApplied    Code = 1025
	CodeBadAssertions   Code = 1030
	CodeGit             Code = 1040

	CodePolicyName     Code = 2001
	CodeProtocol       Code = 2002
	CodePortRange      Code = 2003
	CodePortName       Code = 2004
	CodeEndPort        Code = 2005
	CodeEmptyPeer      Code = 2006
	CodeMixedPeer      Code = 2007
	CodeCIDR           Code = 2008
	CodeExcept         Code = 2009
	CodeSelectorOp     Code = 2010
	CodeSelectorLabel  Code = 2011
	CodePolicyTypes    Code = 2012
	CodeSloppyCIDR     Code = 2013
	CodePolicyMetadata Code = 2014
	CodeMissingField   Code = 2015
	CodeAdminWord      Code = 2016
	CodePriority       Code = 2017
	CodeListSize       Code = 2018
	CodeOneOf          Code = 2019
	CodeDomainName     Code = 2020
	CodeEmptyRange     Code = 2021
	CodeMixedAdmin     Code = 2022
	CodeNotUnderstood  Code = 2023
	CodeExperimental   Code = 2024

	CodeAssumedAddresses Code = 3001
	CodeNotModelled      Code = 3002
	CodeBrokenDocument   Code = 3003
	CodeNoNamespace      Code = 3004
	CodeMeshPolicy       Code = 3005
	CodeAddressClash     Code = 3006
	CodeNoReplicas       Code = 3007
	CodeMistypedKind     Code = 3008
	CodeControllerLabel  Code = 3009
	CodeUnknownPods      Code = 3010
	CodeAddressless      Code = 3011
	CodeOutsideIdentity  Code = 3012
	CodeTie              Code = 3013
	CodePluginIgnores    Code = 3014

	CodeLintSelectsNothing Code = 4001
	CodeLintNoPeer         Code = 4002
	CodeLintNoEffect       Code = 4003
	CodeLintReopened       Code = 4004
	CodeLintShadowed       Code = 4005
	CodeLintTie            Code = 4006
	CodeLintDirection      Code = 4007
	CodeLintNoDNS          Code = 4008
	CodeLintRange          Code = 4009
	CodeLintPortName       Code = 4010
	CodeLintLabel          Code = 4011
	CodeWaiverExpired      Code = 4101
	CodeChecksNothing      Code = 4102
	CodeWaiverIdle         Code = 4103
)

// Doc returns the documentation of c. Every code has one.
func (c Code) Doc() CodeDoc {
	i, ok := slices.BinarySearchFunc(Codes, c, func(d CodeDoc, c Code) int { return int(d.Code) - int(c) })
	if !ok {
		return CodeDoc{Code: c}
	}
	return Codes[i]
}

// Codes documents every code, sorted.
var Codes = append([]CodeDoc{
	{
		Code: CodeSyntax, Severity: Error, Title: "document cannot be parsed",
		Text: "The document is neither YAML nor JSON. The other documents of the file count; behind a broken JSON value the rest of its file is lost, because nothing says where the next one begins. What the document held is not known: if it may be a policy, the pods of its namespace are answered as uncertain, or all pods when the namespace cannot be read (R115). Templates of a Helm chart are not YAML until helm template has rendered them.",
		Example: `apiVersion: v1
kind: Namespace
metadata:
  name: ml
---
apiVersion: v1
kind: Pod
metadata:
  name: trainer
  namespace: ml
  labels: {app: trainer
spec: {}
`,
	},
	{
		Code: CodeNotAnObject, Severity: Error, Title: "document is not a Kubernetes object",
		Text: "The document lies among Kubernetes objects but has no apiVersion or no kind, so kubectl would refuse it, and a policy whose kind is misspelt would be missing from the answer. A file in which nothing is an object, such as Helm values, is only worth a warning (PR1003).",
		Example: `apiVersion: v1
kind: Namespace
metadata:
  name: ml
---
apiVersion: networking.k8s.io/v1
Kind: NetworkPolicy
metadata:
  name: deny-all
  namespace: ml
`,
	},
	{
		Code: CodeEmptyFile, Severity: Warning, Title: "file holds no Kubernetes object",
		Text: "The file, or the folder, was read but nothing in it has both apiVersion and kind: it is empty, holds only comments, or is something else, such as Helm values. Only files named *.yaml, *.yml, *.json and *.jsonl, also with .gz or .zst behind, are read in a folder.",
		Example: `# Helm values, not objects
replicas: 2
image:
  tag: latest
`,
	},
	{
		Code: CodeDuplicateObject, Severity: Error, Title: "object given twice",
		Text: "Two objects have the same kind, API group, namespace and name, which one cluster cannot hold. The first one counts, the second is left out (R7). Often a folder is given twice, or rendered output lies beside its source.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {team: red}}
---
apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {team: blue}}
`,
	},
	{
		Code: CodeUnknownField, Severity: Error, Title: "unknown field in a policy",
		Text: "A NetworkPolicy has a field that its API does not have. The API server would refuse it, or drop the field and with it a part of what the policy was meant to say. The policy is answered as absent (R115). Field names are case-sensitive.",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: allow-web
  namespace: ml
spec:
  podSelector: {}
  ingres:
    - from:
        - podSelector:
            matchLabels:
              app: web
`,
	},
	{
		Code: CodeWrongType, Severity: Error, Title: "field of the wrong type",
		Text: "A field has a value of a type that its API does not take, so the API server would refuse the object; it is answered as absent (R115). The usual case is a label that is not quoted: in YAML, yes, on, true and 1 are not strings.",
		Example: `apiVersion: v1
kind: Pod
metadata:
  name: trainer
  namespace: ml
  labels:
    gpu: yes
spec:
  containers: []
`,
	},
	{
		Code: CodeUnreadable, Severity: Error, Title: "file cannot be read",
		Text:    "The file or folder does not exist, the system refuses to read it, it changed while it was read, or it is compressed (gzip, zstd) and the stream is damaged, cut off or followed by something else. What was read until then counts; what the rest holds is not known and may be a policy, so all pods are answered as uncertain (R115). The example is an argument of -f.",
		Example: `no-such-folder/policies.yaml`,
	},
	{
		Code: CodeLimit, Severity: Error, Title: "input exceeds a limit",
		Text: "The input exceeds one of the limits that keep hostile input from using up memory and time; they are far beyond what real objects need. What lies behind is not known. The flag --limit NAME=VALUE,... sets them; the defaults are: document=64Mi, bytes of a JSON value, where members of lists count one by one; yaml=32Mi, bytes of a YAML document, which takes some 80 times as much memory; aliases=16Mi, bytes that the aliases of a YAML document add; depth=1k, levels of nesting in YAML (in JSON 10,000); text=8Gi, bytes of one input, after decompression; kept=1Gi, bytes of memory for what is kept, compressed, of an input that is a pipe or compressed; objects=5M and problems=100k, objects of one input and what is wrong with them. Custom resources that make pods may have 4 MiB and 1,000 sets of pods each (R66).",
		Example: `a: &a [x, x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]
h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g, *g]
`,
	},
	{
		Code: CodeNoName, Severity: Error, Title: "object has no name",
		Text: "An object that takes part in the answer has no metadata.name; it is left out. With a metadata.generateName instead, such as trainer-, it is called trainer-*, because the cluster completes the name at random.",
		Example: `apiVersion: v1
kind: Pod
metadata:
  namespace: ml
spec:
  containers: []
`,
	},
	{
		Code: CodeDuplicateKey, Severity: Error, Title: "key given twice in a mapping",
		Text: "One mapping gives a key twice, and readers differ in which of the two counts; the object is left out. Twice apiVersion, kind and metadata usually means that the line --- between two documents is missing: then not even the object is certain, and the document counts as broken (PR1001).",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: deny-all
  namespace: ml
spec:
  podSelector: {}
  policyTypes: [Ingress]
  policyTypes: [Egress]
`,
	},
	{
		Code: CodeBadAddress, Severity: Warning, Title: "address cannot be read",
		Text: "A pod, a node or a range of the input has an address that is no IP address or no CIDR. It is passed over, as if the object did not say it.",
		Example: `apiVersion: v1
kind: Namespace
metadata:
  name: ml
---
apiVersion: v1
kind: Pod
metadata:
  name: trainer
  namespace: ml
spec:
  containers: []
status:
  podIP: 10.0.0.256
`,
	},
	{
		Code: CodeNoObjects, Severity: Error, Title: "input holds no Kubernetes object at all",
		Text: "Everything was read and there was not one Kubernetes object, so there is nothing to answer about. Usually the wrong folder was given, or the command whose output is read here failed.",
		Example: `# nothing but a comment
`,
	},
	{
		Code: CodeNotFollowed, Severity: Note, Title: "links and special files in a folder are not followed",
		Text:    "A folder holds links to places outside it or to other folders, links that lead nowhere, or pipes, sockets and devices. They are not read, so what they lead to has no part in the answer; name it with -f if it should. Links to files inside the folder are followed, as in a mounted ConfigMap. The example is an argument of -f: a folder with a link that leads out of it.",
		Example: `folder-with-links`,
	},
	{
		Code: CodeUnread, Severity: Warning, Title: "kind of a live cluster cannot be read",
		Text: "The cluster does not list the objects of a kind, or not to the end: the account may not list them (Forbidden), the server did not answer in time (--request-timeout), or kubectl failed, or printed something else. What is missing is never taken for nothing. Without a kind of policy the pods in its scope are uncertain, without namespaces what a namespaceSelector matches is; pods, nodes and workloads that could not be read are missing from the answer, which says so among its assumptions. Custom kinds of which nobody knows whether a controller makes pods of them are told together. kubectl auth can-i list KIND -A asks whether an account may read a kind. With --strict it is an error, and a cluster of which nothing can be read always is one. The example is a command on a cluster whose networkpolicies the account may not list.",
		Example: `podreach list --live
`,
	},
	{
		Code: CodeSelectsNothing, Severity: Error, Title: "expression selects nothing",
		Text: "An endpoint expression, or the namespace of -n, means nothing in the input. An answer about nothing would read like good news, so it is an error; the message names the nearest thing that exists. Where nothing is a fair answer, as in a script for many clusters, --allow-empty takes it as an empty side.",
		Example: `podreach can ml-trainin: reach internet -f demo:
`,
	},
	{
		Code: CodeBadExpression, Severity: Error, Title: "expression cannot be read",
		Text: "An endpoint expression, a port list or the sentence of can is not in the form that podreach can --help shows. An expression that contains spaces, brackets or braces is best put in quotes, for the shell.",
		Example: `podreach can ml-training: reach interent -f demo:
`,
	},
	{
		Code: CodeBadFlag, Severity: Error, Title: "flag or flag value is unknown",
		Text: "A command, a flag or the value of a flag does not exist, or two of them do not go together, or there is no input at all. The message names the nearest that exists.",
		Example: `podreach list -f demo: --profile ciluim
`,
	},
	{
		Code: CodeBadConfig, Severity: Error, Title: "configuration cannot be read",
		Text: "The configuration (podreach.yaml in the current folder, or the file of --config) has a field that does not exist, or a value that cannot be used. Facts that are wrong would make every answer wrong, so nothing is answered. Its fields are apiVersion: podreach.io/v1alpha1, kind: Config, podCIDRs, serviceCIDRs, ipFamilies, unmanaged (pods that the network plugin does not manage, as NS:, NS:SELECTOR, {NSSELECTOR}:SELECTOR or :SELECTOR; R69) and workloads (custom resources that make pods; R66, PR3010).",
		Example: `apiVersion: podreach.io/v1alpha1
kind: Config
podCIDR: [10.0.0.0/16]
`,
	},
	{
		Code: CodeNoTarget, Severity: Error, Title: "nothing to delete",
		Text: "The argument of --delete names no object of the input and of what --apply adds. A change that changes nothing would read like good news, so nothing is answered. It is written KIND/NAMESPACE/NAME, or KIND/NAME for nodes, namespaces and objects of the default namespace; the kind as kubectl takes it: netpol, deployments, statefulset.apps.",
		Example: `podreach list -f demo: --delete netpol/ml-training/allow-public-hub
`,
	},
	{
		Code: CodeNotAsApplied, Severity: Warning, Title: "the cluster would take the change differently",
		Text: "What --apply or --delete asks for is not what the cluster would make of it: a Job does not take another template, and the answer is for the Job deleted and made anew; an object that the API server refuses, or that would change what cannot be changed (the selector of a Deployment, the host network or ports of a Pod), changes nothing, and the one that is there stays; whether the controller of a custom resource replaces running pods when their template changes is not known, so that old and new ones stand side by side; a deleted pod comes back when a controller keeps a number of them, and where the input does not hold that controller the new pod has no part in the answer.",
		Example: `podreach can ml-training: reach internet -f demo: --delete pod/ml-data/qdrant-1
`,
	},
	{
		Code: CodeBadAssertions, Severity: Error, Title: "assertions file cannot be read",
		Text: "A file of podreach check is not of kind AssertionSet, or has a field that does not exist, a value that cannot be used, an id twice, or a waiver of an assertion that there is not. An assertion that was left out would read like one that holds, so nothing is checked. docs/ASSERTIONS.md describes the fields, docs/schema/assertionset.json is their JSON Schema.",
		Example: `apiVersion: podreach.io/v1alpha1
kind: AssertionSet
metadata: {name: ml}
spec:
  assertions:
  - {id: no-internet, expect: isolatd, from: 'ml-training:', to: internet}
`,
	},
	{
		Code: CodeGit, Severity: Error, Title: "git revision cannot be read",
		Text: "An input is written git:REV or git:REV:PATH, and git does not find the revision, or the path in it, or is not there to ask. REV is what git rev-parse takes (main, v1.2, HEAD~3, a hash) and does not begin with '-'; PATH is a file or a folder, relative to the current folder, which lies in the repository. Nothing is checked out and no hook runs. A file whose name begins with git: is named ./git:...",
		Example: `podreach list -f git:no-such-revision:deploy
`,
	},
	{
		Code: CodePolicyName, Severity: Error, Title: "policy name is invalid",
		Text: "The name of a policy is not a DNS subdomain: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit; or it is not that of the one BaselineAdminNetworkPolicy that there can be, default (R106). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: Deny_All, namespace: ml}
spec:
  podSelector: {}
  policyTypes: [Ingress]
`,
	},
	{
		Code: CodeProtocol, Severity: Error, Title: "protocol is invalid",
		Text: "The protocol of a port entry is none of TCP, UDP and SCTP, in upper case. Without a protocol the entry means TCP (R29); ICMP cannot be written in a NetworkPolicy. The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{ports: [{protocol: tcp, port: 80}]}]
`,
	},
	{
		Code: CodePortRange, Severity: Error, Title: "port out of range",
		Text: "A port number is not between 1 and 65535 (R31). To mean every port, leave out the port, or the whole list of ports. The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{ports: [{port: 0}]}]
`,
	},
	{
		Code: CodePortName, Severity: Error, Title: "port name is invalid",
		Text: "A port is given as a text that is no port name: at most 15 lower-case letters, digits and '-', with a letter among them. A number in quotes is a text, and so not a port number (R38). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{ports: [{port: "80"}]}]
`,
	},
	{
		Code: CodeEndPort, Severity: Error, Title: "endPort is invalid",
		Text: "endPort is the last port of a range and stands beside a numeric port that is not above it (R32). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{ports: [{port: 90, endPort: 80}]}]
`,
	},
	{
		Code: CodeEmptyPeer, Severity: Error, Title: "peer without a field",
		Text: "An element of from or to sets neither podSelector nor namespaceSelector nor ipBlock. It does not mean everybody: that is a rule without from or to; every pod is {namespaceSelector: {}} (R23). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{from: [{}]}]
`,
	},
	{
		Code: CodeMixedPeer, Severity: Error, Title: "ipBlock beside a selector",
		Text: "An element of from or to sets ipBlock beside a selector. Addresses and pods are two elements of the list (R22). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}, podSelector: {}}]}]
`,
	},
	{
		Code: CodeCIDR, Severity: Error, Title: "CIDR cannot be read",
		Text: "The cidr or an except of an ipBlock, or one of the networks of an admin policy, is missing or is not an address, a slash and a prefix length; a single address is written 10.1.2.3/32 (R43). Admin policies take no leading zeros and no IPv4-mapped IPv6 either (R98). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  egress: [{to: [{ipBlock: {cidr: 10.1.2.3}}]}]
`,
	},
	{
		Code: CodeExcept, Severity: Error, Title: "except is not inside its CIDR",
		Text: "An except of an ipBlock is not a smaller range inside its cidr (R42). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [192.168.0.0/16]}}]}]
`,
	},
	{
		Code: CodeSelectorOp, Severity: Error, Title: "selector operator or its values are invalid",
		Text: "The operator of a selector is none of In, NotIn, Exists and DoesNotExist, exactly so written, or its values do not fit: the first two need at least one, the others take none (R21). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: in, values: [web]}]}}]}]
`,
	},
	{
		Code: CodeSelectorLabel, Severity: Error, Title: "selector key or value is invalid",
		Text: "A selector names a label key or value that no object can carry: a key is a name of at most 63 letters, digits, '-', '_' and '.', with an optional DNS prefix and '/'; a value is such a name or empty (R21). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchLabels: {app: "my web"}}}]}]
`,
	},
	{
		Code: CodePolicyTypes, Severity: Error, Title: "policyTypes is invalid",
		Text: "policyTypes holds something other than Ingress and Egress, exactly so written, or more than two entries (R16). The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  policyTypes: [ingress]
`,
	},
	{
		Code: CodeSloppyCIDR, Severity: Note, Title: "CIDR in a form that new objects may not use",
		Text: "A CIDR has leading zeros, bits set beyond its prefix, or the IPv4-mapped IPv6 form. The policy is evaluated with the range that the message names. The API server refuses these forms in new objects but keeps stored ones, and a snapshot cannot tell which this is (R43).",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {}
  egress: [{to: [{ipBlock: {cidr: 10.1.2.3/16}}]}]
`,
	},
	{
		Code: CodePolicyMetadata, Severity: Error, Title: "policy metadata is invalid",
		Text: "The metadata of a policy (its namespace, labels, annotations, owners or finalizers) breaks the rules that hold for all objects. The API server would reject the policy, so it is answered as absent (R115, R116); the message lists the pods that it would have selected.",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml, labels: {app: "my web"}}
spec: {podSelector: {}}
`,
	},
	{
		Code: CodeMissingField, Severity: Error, Title: "required field is missing",
		Text: "A field that an AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy must have is not there, or is null: priority has no default, and the selector that is meant to select everything is written {}. The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {matchLabels: {team: blue}}}]
`,
	},
	{
		Code: CodeAdminWord, Severity: Error, Title: "action or tier is unknown",
		Text: "The action of a rule, or the tier of a ClusterNetworkPolicy, is none of the words of the API. What v1alpha1 calls Allow is Accept in v1alpha2; a BaselineAdminNetworkPolicy has no Pass (R91); tiers are Admin and Baseline. The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Accept
    from: [{namespaces: {matchLabels: {team: blue}}}]
`,
	},
	{
		Code: CodePriority, Severity: Error, Title: "priority out of range",
		Text: "The priority of a policy is not between 0 and 1000 (R88). The lowest number comes first. The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  priority: 1001
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {matchLabels: {team: blue}}}]
`,
	},
	{
		Code: CodeListSize, Severity: Error, Title: "list is empty, too long or has an element twice",
		Text: "A list of an admin policy has no element where it needs one, has too many, or has the same one twice, or a name is too long: 100 rules of a direction, peers and ports of a rule in v1alpha1, 25 in v1alpha2; 25 networks and domain names of a peer (R104). An empty from or to does not mean everybody, and a list of ports that shall mean all of them is left out. The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: []
`,
	},
	{
		Code: CodeOneOf, Severity: Error, Title: "not exactly one of several fields",
		Text: "A subject, a peer or a port of an admin policy holds exactly one of its fields (R96, R97, R102): a subject namespaces or pods, a port one number, range or name, a peer one kind of selector. Several peers are several elements of the list. A peer without any field that is known is something else (PR2023). The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-blue}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {}}]
    protocols: [{tcp: {}}]
`,
	},
	{
		Code: CodeDomainName, Severity: Error, Title: "domain name is invalid",
		Text: "An element of domainNames is no domain name of at least two labels, perhaps with \"*.\" in front, which stands for one or more labels (R100). The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-blue}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  egress:
  - action: Accept
    to: [{domainNames: ["www.*.io"]}]
`,
	},
	{
		Code: CodeEmptyRange, Severity: Error, Title: "range of ports does not end above its start",
		Text: "The range of a ClusterNetworkPolicy has an end that is not above its start; one port is a number (R102). The API server would reject the policy, so it is answered as absent (R104, R115); the message lists the pods that it would have selected.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-blue}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {}}]
    protocols: [{tcp: {destinationPort: {range: {start: 80, end: 80}}}}]
`,
	},
	{
		Code: CodeMixedAdmin, Severity: Error, Title: "admin policies of two API versions",
		Text: "There are AdminNetworkPolicies or BaselineAdminNetworkPolicies (v1alpha1) beside ClusterNetworkPolicies (v1alpha2). Nothing says how these are ordered among each other (R106), and implementations read one version or the other. The pods that any of them selects are uncertain. Convert the old ones: Allow becomes Accept, ports become protocols, the baseline policy one of tier Baseline.",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {matchLabels: {team: blue}}}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-blue-2}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {matchLabels: {team: blue}}}]
`,
	},
	{
		Code: CodeNotUnderstood, Severity: Warning, Title: "part of an admin policy cannot be understood",
		Text: "The API server may take the policy, but a part of it has no meaning that is known: a peer with no field that podreach knows, as a newer API version might have, or with a selector that is broken; domainNames in a rule that does not allow; an unknown protocol; a range that ends below its start. Such a peer fails closed: in a rule that allows it matches nothing, in one that denies or passes the rule denies everything on its ports (R103). The message names the fields that are not known, and those that a peer may have there. A port entry of the kind matches nothing (R102). Where the subject cannot be understood all pods are uncertain in the directions in which the policy has rules (R96).",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{serviceAccounts: {}}]
`,
	},
	{
		Code: CodeExperimental, Severity: Note, Title: "field of the experimental channel",
		Text: "The policy uses what only the experimental channel of the API has: peers of nodes or domainNames, namedPort in v1alpha1 (R97). It is answered as written; a cluster with the standard channel would not have that field, and the implementation may not support it. Port names beside networks are noted too: the standard channel takes such a rule, the experimental one refuses it (R101).",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-blue}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  egress:
  - action: Deny
    to: [{nodes: {}}]
`,
	},
	{
		Code: CodeAssumedAddresses, Severity: Note, Title: "pod addresses are assumed",
		Text: "Some pods have no known address, and no pod range of the cluster is known either. Their addresses are taken to be private ones: RFC 1918, and fc00::/7 (R47). An ipBlock that covers only a part of these makes the answer uncertain. Node objects with spec.podCIDRs, or podCIDRs in the configuration, replace the assumption. Where a pod has an address outside of all of these, they are not where pods are: unknown addresses of its family can then be any, which is said instead; podCIDRs that hold every pod narrow them.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: trainer, namespace: ml}
spec: {containers: [{name: main, image: trainer}]}
`,
	},
	{
		Code: CodeNotModelled, Severity: Warning, Title: "policy of a kind that is not modelled",
		Text: "The object is a network policy of a kind whose meaning is not computed (yet). What its scope (its namespace, or the cluster) may reach is told as uncertain, never as allowed or denied (R120). Nor is it known what an object means whose kind its apiVersion does not have, as a ClusterNetworkPolicy of v1alpha1, which has AdminNetworkPolicy and BaselineAdminNetworkPolicy, or one of these of v1alpha2: an API server refuses it with \"no matches for kind\", so that it has no effect, but a cluster may have a definition of its own. Write the version that the message names.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: dns, namespace: ml}
spec: {endpointSelector: {}}
`,
	},
	{
		Code: CodeBrokenDocument, Severity: Warning, Title: "subjects are uncertain because a document is broken",
		Text: "A document cannot be read and may hold a policy. What that policy says is not known, so the pods of its namespace are uncertain, or all pods when the namespace cannot be read (R115). The error beside this warning tells what is wrong with the document.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: p
  namespace: ml
spec: {podSelector: {}
`,
	},
	{
		Code: CodeNoNamespace, Severity: Note, Title: "no Namespace object",
		Text: "Objects are in a namespace that has no Namespace object in the input. It is taken to have no labels but kubernetes.io/metadata.name, which every namespace has (R24, R25): selectors on other labels do not match it, NotIn and DoesNotExist do.",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec: {podSelector: {}}
`,
	},
	{
		Code: CodeMeshPolicy, Severity: Note, Title: "policy object that has no part in the answer",
		Text: "The object governs a service mesh, requests (L7), or secondary networks, or it makes nodes the subjects of policies, which is not modelled. The former can only narrow what connections are used for, so they have no part in the answer, which is about connections on the cluster network.",
		Example: `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: allow-get, namespace: ml}
spec: {}
`,
	},
	{
		Code: CodeAddressClash, Severity: Warning, Title: "several pods or nodes have one address",
		Text: "Pods that are not on the host network, or nodes, report the same address, as happens when a snapshot is taken while an address changes hands. All are answered. The address itself means a pod before a node and a running pod before the others; of two running pods, or two nodes, nothing says which one it means (R62).",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: ml}
spec: {containers: [{name: main, image: trainer}]}
status: {phase: Pending, podIP: 10.1.0.7}
---
apiVersion: v1
kind: Pod
metadata: {name: new, namespace: ml}
spec: {containers: [{name: main, image: trainer}]}
status: {phase: Running, podIP: 10.1.0.7}
`,
	},
	{
		Code: CodeNoReplicas, Severity: Note, Title: "workload with zero replicas",
		Text: "The workload has no pods, so no set of pods holds it and no listing shows it (R64). A path that names it is still answered, for the pods that it would have if it were scaled up.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: trainer, namespace: ml}
spec:
  replicas: 0
  template:
    metadata: {labels: {app: trainer}}
    spec: {containers: [{name: main, image: trainer}]}
`,
	},
	{
		Code: CodeMistypedKind, Severity: Warning, Title: "kind that looks mistyped",
		Text: "The object has a kind that Kubernetes does not have, and that is nearly the name of one that it has. Kinds are case-sensitive. The object is passed over, as kubectl would refuse it: pods that it was meant to give, or labels of namespaces, are missing from the answer.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: apps/v1
kind: deployment
metadata: {name: trainer, namespace: ml}
spec:
  template:
    metadata: {labels: {app: trainer}}
    spec: {containers: [{name: main, image: trainer}]}
`,
	},
	{
		Code: CodeControllerLabel, Severity: Note, Title: "answer rests on a label that only a custom controller adds",
		Text: "A policy selects pods by a label that is in no manifest: the controller of a custom resource, such as Ray's or JobSet's, adds it to the pods that it makes. Which labels it adds depends on its version; those of the table are taken (R66), and an assumption names the version that they were read from. In a snapshot that holds the pods themselves their own labels count.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: tuner, namespace: ml}
spec:
  headGroupSpec:
    rayStartParams: {}
    template:
      spec: {containers: [{name: ray-head, image: ray}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: head, namespace: ml}
spec:
  podSelector: {matchLabels: {ray.io/node-type: head}}
  policyTypes: [Ingress]
`,
	},
	{
		Code: CodeUnknownPods, Severity: Warning, Title: "pods of a custom resource cannot be known",
		Text: "A controller makes pods of the object, but which ones, or with which containers and so which named ports, the object does not say: that is in another object or in the controller's own configuration. Or the object is of a kind that podreach has no facts about, yet it holds a pod template. Pods that cannot be known are missing from the answer. Or a policy names a value of a label that a controller adds and whose value nobody can know; it is taken to be another. Or it asks for a label of which the object does not tell whether the pods have it, or with what value, such as a number that the controller counts: what the policy says of these pods is uncertain. What helps is a snapshot that holds the pods, or for a kind that podreach does not know a row under workloads in podreach.yaml, such as {gvk: example.com/v1/Trainer, templates: ['{.spec.template}'], replicas: '{.spec.replicas}', labels: {example.com/trainer: '{.metadata.name}'}} (R66).",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: example.com/v1
kind: Trainer
metadata: {name: trainer, namespace: ml}
spec:
  template:
    spec: {containers: [{name: main, image: trainer}]}
`,
	},
	{
		Code: CodeAddressless, Severity: Warning, Title: "pod without an address is no endpoint",
		Text: "Some pod has an address (status.podIP), so the input is taken for a snapshot of a running cluster, and there a pod without one is not running yet: it can neither send nor receive, and has no part in the answer (R61); where its workload has no other pods, the workload's template stands for it. In a folder of manifests one Pod with a status makes all others such: take the status out, or ask with --apply about pods that are to come. With --apply and --delete the input before the change decides.",
		Example: `apiVersion: v1
kind: Pod
metadata: {name: running, namespace: ml}
spec: {containers: [{name: main, image: trainer}]}
status: {phase: Running, podIP: 10.0.0.7}
---
apiVersion: v1
kind: Pod
metadata: {name: starting, namespace: ml}
spec: {containers: [{name: main, image: trainer}]}
status: {phase: Pending}
`,
	},
	{
		Code: CodeOutsideIdentity, Severity: Note, Title: "selector by a label that Cilium leaves out",
		Text:    "The profile is cilium, and a policy selects pods by a label that Cilium leaves out of their identities, such as statefulset.kubernetes.io/pod-name, pod-template-hash or what begins with kubernetes.io. For the policy no pod has the label (R26): In and Exists select nobody, NotIn and DoesNotExist everybody. Select by a label of your own, or let Cilium keep this one with its option labels; podreach takes the default of that option.",
		Profile: "cilium",
		Example: `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: ml}
spec:
  podSelector: {matchLabels: {statefulset.kubernetes.io/pod-name: trainer-0}}
  policyTypes: [Ingress]
`,
	},
	{
		Code: CodeTie, Severity: Note, Title: "admin policies of equal priority may disagree",
		Text: "Admin policies of one tier have the same priority, and a connection may meet rules of them that do different things. Nothing says which policy counts then (R105), and implementations differ: such a connection is uncertain, unless every order comes to the same. Different priorities settle it.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml, labels: {team: blue}}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: allow-blue}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Accept
    from: [{namespaces: {matchLabels: {team: blue}}}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-all}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {}}]
`,
	},
	{
		Code: CodePluginIgnores, Severity: Note, Title: "policy that the network plugin ignores",
		Text:    "The profile is about a network plugin that has no part for the policy, which is answered as absent. Cilium reads ClusterNetworkPolicies but no AdminNetworkPolicies and BaselineAdminNetworkPolicies, so that these protect nothing there (R106), and it refuses a ClusterNetworkPolicy as a whole when a rule with domainNames does not accept (R100). Write the former as ClusterNetworkPolicies: Allow becomes Accept, ports become protocols, the baseline policy one of tier Baseline.",
		Profile: "cilium",
		Example: `apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: deny-blue}
spec:
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {matchLabels: {team: blue}}}]
`,
	},
}, slices.Concat(lintCodes, checkCodes)...)
