package solver_test

import (
	"fmt"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
	"github.com/podreach/podreach/model/cluster"
	"github.com/podreach/podreach/model/manifest"
	"github.com/podreach/podreach/solver"
)

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: trainer, namespace: ml}
spec:
  replicas: 4
  template:
    metadata: {labels: {app: trainer}}
    spec: {containers: [{name: trainer, image: example/trainer}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: trainer, namespace: ml}
spec:
  podSelector: {matchLabels: {app: trainer}}
  policyTypes: [Egress]
  egress:
  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]
    ports: [{port: 443}]
`

// From manifests to an answer, with a witness and the rule that decides.
func ExampleAsk() {
	state := cluster.New(cluster.Options{})
	reader := manifest.NewReader(manifest.Options{})
	for object := range reader.Read([]manifest.Input{manifest.Bytes("trainer.yaml", []byte(manifests))}, state.Ledger()) {
		state.Put(object)
	}
	x, err := engine.Compile(state.Snapshot(), engine.Options{})
	if err != nil {
		panic(err)
	}

	from, err := solver.Find(x, "ml:app=trainer")
	if err != nil {
		panic(err)
	}
	to, err := solver.Find(x, "internet")
	if err != nil {
		panic(err)
	}
	ports, err := solver.ParsePorts("") // any
	if err != nil {
		panic(err)
	}
	answer := solver.Ask(x, solver.Question{From: from, To: to, Ports: ports})
	fmt.Println(answer.Truth, answer.Ports)

	w := answer.Witness
	fmt.Println(solver.EndpointName(x, w.Flow.Src), "->", w.To, w.Flow.Protocol, w.Flow.Port)
	for _, i := range solver.Deciding(x, w.Flow)[model.Egress] {
		rule := x.Snapshot().Rules[i]
		fmt.Println(rule.Object, "at", reader.Locate(rule.Origin))
	}
	// Output:
	// yes TCP 443
	// ml/deployment/trainer[0] -> 8.8.8.8 TCP 443
	// NetworkPolicy ml/trainer at trainer.yaml:18:5
}
