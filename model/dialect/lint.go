package dialect

// lintCodes are what podreach lint finds. Each is proven by the engine for the
// pods of the input.
var lintCodes = []CodeDoc{
	{
		Code: CodeLintSelectsNothing, Severity: Warning, Title: "policy selects no pod",
		Text: "No pod of the input has the labels of podSelector (for an admin policy: of its subject), dormant pods of workloads with zero replicas included; or only pods of the host network have them, to which no policy applies (R55). The policy protects nothing. The message names the label that is nearest. It is a note where the input has no pod at all in the namespace. There is no finding where a controller may give pods such labels that the input does not tell (R66).",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: bd}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`,
	},
	{
		Code: CodeLintNoPeer, Severity: Warning, Title: "rule or peer matches nothing",
		Text: "A peer of a rule selects no pod of the input, or all peers of a rule do, so that the rule opens nothing. Selectors match pods alone: not those of the host network, no nodes, no Services. Frequent causes are a label of the Service or of the Deployment instead of that of the pod, a namespaceSelector on name instead of kubernetes.io/metadata.name, and a podSelector alone that is meant for another namespace. It is a note where the input has no such namespace, or no pod in it, and nothing near to it, and where pods of all namespaces are meant, of which some may be in no input. Of admin policies only rules without any peer that matches are told.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from:
    - podSelector: {matchLabels: {app: web}}
    - podSelector: {matchLabels: {application: web}}
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`,
	},
	{
		Code: CodeLintNoEffect, Severity: Warning, Title: "policy without effect",
		Text: "Without the policy every connection between all pods, nodes and addresses is as it is, dormant pods included: the cluster was compared with the one that lacks it. It is a warning where the pods that it selects are as open without it, whatever the other ends say: other policies allow the same or more, and the message names them; a policy can only add to what others allow. Two policies that say the same are told both, and one of them can go, not both. It is a note where the other ends do not let through what it changes, or the input holds no other end; for one that allows everything to pods which nothing else isolates; and for one that has no rules, because its pods are isolated anyhow. A policy without rules for all pods of a namespace is not told: it is the floor for pods to come. Admin policies are not told: what they pin down often is so anyhow. Nor are policies for pods of which all is uncertain, because another policy is not modelled.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
`,
	},
	{
		Code: CodeLintReopened, Severity: Warning, Title: "restriction that another policy opens",
		Text: "Policies are a union: no policy can take back what another allows. There is a finding, at the rule that opens, in three cases. A rule allows a block but for some ranges (except), and another rule for the same pods opens such a range as a whole, together with more around it, for all of the ports: the exception closes nothing. A policy that has no rules for a direction singles out pods by their labels, and another one that selects them, and others, opens the internet for them. All pods of a policy with rules are in a direction opened for everything by others. It is a note where both policies select the same pods, and where a denial for a whole namespace is opened in full. A rule that opens just what an exception names, or a policy for some of the pods, is taken for meant. There is no finding where an admin policy denies it all the same.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: ml, labels: {app: agent}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: internet-only, namespace: ml}
spec:
  podSelector: {}
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: agent, namespace: ml}
spec:
  podSelector: {matchLabels: {app: agent}}
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]
  policyTypes: [Egress, Ingress]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: ml, labels: {app: agent}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: internet-only, namespace: ml}
spec:
  podSelector: {}
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]
`,
	},
	{
		Code: CodeLintShadowed, Severity: Warning, Title: "admin rule that decides nothing",
		Text: "Rules of an AdminNetworkPolicy, BaselineAdminNetworkPolicy or ClusterNetworkPolicy are tried in order, and rules before this one, of this or of other policies, decide all that it matches: whatever it did, every pod would be open and closed as it is (R88). It does not do what it says, if they do something else. Rules that match nothing at all are told otherwise (PR4002), and rules among policies of equal priority are not told. It is a note where no single rule before it covers it for whatever pods there may be, so that it may be a last resort.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {}}]
  - action: Accept
    from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: ml}}}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Accept
    from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: ml}}}]
  - action: Deny
    from: [{namespaces: {}}]
`,
	},
	{
		Code: CodeLintTie, Severity: Warning, Title: "admin policies of equal priority disagree",
		Text: "Admin policies of one tier have the same priority, and for some connection the answer hangs on which of them counts, which nothing says (R105): the message names one. It is uncertain, and implementations differ. Where every order of the policies comes to the same there is no finding (see PR3013, which only compares rules). Different priorities settle it.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: allow-ml}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Accept
    from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: ml}}}]
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
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: allow-ml}
spec:
  tier: Admin
  priority: 5
  subject: {namespaces: {}}
  ingress:
  - action: Accept
    from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: ml}}}]
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: deny-all}
spec:
  tier: Admin
  priority: 6
  subject: {namespaces: {}}
  ingress:
  - action: Deny
    from: [{namespaces: {}}]
`,
	},
	{
		Code: CodeLintDirection, Severity: Warning, Title: "rules of a direction that policyTypes leaves out",
		Text: "A NetworkPolicy has ingress rules but its policyTypes list only Egress, or the other way round. Such rules neither allow nor isolate (R14): the pods are as open in that direction as without them. Without policyTypes, or with both, the rules count. Cilium takes them into account all the same; there is no finding in its profile.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
  egress: [{to: [{podSelector: {}}]}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
  egress: [{to: [{podSelector: {}}]}, {ports: [{port: 53, protocol: UDP}, {port: 53}]}]
`,
	},
	{
		Code: CodeLintNoDNS, Severity: Warning, Title: "egress is isolated and no DNS can be reached",
		Text: "Pods may reach other pods, or everywhere, on some ports, but nothing that resolves names: no pod of the cluster's DNS (label k8s-app=kube-dns or coredns, or a port named dns), neither on UDP nor on TCP 53, and no rule opens port 53 to addresses. Without a DNS pod in the input there is a finding only where no rule opens port 53 at all. Pods that may reach nothing, or only given blocks of addresses, are taken for meant, and so are those of which something is not known. The finding is at the first policy that opens something to them. Both protocols should be open: long answers come by TCP.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: ml}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: coredns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: ml}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
  - to: [{podSelector: {matchLabels: {app: db}}}]
    ports: [{port: 5432}]
  - to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]
    ports: [{port: 53, protocol: UDP}, {port: 53}]
`,
	},
	{
		Code: CodeLintRange, Severity: Warning, Title: "block of Service or pod addresses",
		Text: "An ipBlock lies in the range of the Services, which policies do not see: the address of a Service has been replaced by that of a pod behind it when they are asked (R71), so that the block matches nothing. Or, as a note, it lies in the range of the pods: whether blocks match pods hangs on the network plugin (R45), where they do not it is a warning, and the addresses of pods change. Select the pods behind by their labels. The ranges are those of ServiceCIDR and Node objects and of podreach.yaml.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.96.0.0/12]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: ml}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{ipBlock: {cidr: 10.96.12.7/32}}], ports: [{port: 5432}]}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: networking.k8s.io/v1
kind: ServiceCIDR
metadata: {name: kubernetes}
spec: {cidrs: [10.96.0.0/12]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: ml}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress:
  - to: [{podSelector: {matchLabels: {app: db}}}]
    ports: [{port: 5432}]
  - ports: [{port: 53, protocol: UDP}, {port: 53}]
`,
	},
	{
		Code: CodeLintPortName, Severity: Warning, Title: "port name that no pod has",
		Text: "A rule names a port, and no pod that it can match has a container port of that name and protocol: at ingress the pods that the policy selects, at egress those that the peers select. A name means what the destination says (R33), so the entry opens nothing. A name has the protocol TCP unless the entry says otherwise. There is no finding where the containers of such a pod are not known.",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: postgres}]}]
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i, ports: [{name: postgres, containerPort: 5432}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: ml}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: postgres}]}]
`,
	},
	{
		Code: CodeLintLabel, Severity: Warning, Title: "label that looks mistyped",
		Text: "A selector selects something, but names a value of a label, beside others, or to leave pods out a value or key, that no pod (or no namespace) has in the namespaces that it means, while there is one that differs in a letter or two. Such a slip leaves out pods that are meant, or leaves in those that are not. Words of fewer than four letters and words that differ only in figures are not told. A selector that selects nothing at all is told otherwise (PR4001, PR4002).",
		Example: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: not-frontend, namespace: ml}
spec:
  podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [frontedn]}]}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: frontend, namespace: ml, labels: {app: frontend}}
spec: {containers: [{name: c, image: i}]}
`,
		After: `apiVersion: v1
kind: Namespace
metadata: {name: ml}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: ml, labels: {app: web}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: ml, labels: {app: db}}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: not-frontend, namespace: ml}
spec:
  podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [frontend]}]}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]
---
apiVersion: v1
kind: Pod
metadata: {name: frontend, namespace: ml, labels: {app: frontend}}
spec: {containers: [{name: c, image: i}]}
`,
	},
}
