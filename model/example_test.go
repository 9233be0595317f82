package model_test

import (
	"fmt"

	"github.com/podreach/podreach/model"
)

// Port sets are exact and canonical: equal sets print alike.
func ExamplePortSet() {
	egress := model.Ports(
		model.PortRange{Protocol: model.TCP, First: 81, Last: 90},
		model.PortRange{Protocol: model.TCP, First: 80, Last: 80},
		model.PortRange{Protocol: model.UDP, First: 53, Last: 53},
	)
	ingress := model.Ports(model.PortRange{Protocol: model.TCP, First: 85, Last: 100})
	fmt.Println(egress)
	fmt.Println(egress.Intersect(ingress))
	fmt.Println(egress.Minus(ingress))
	fmt.Println(model.AllPorts(), model.PortSet{})
	// Output:
	// TCP 80-90 UDP 53
	// TCP 85-90
	// TCP 80-84 UDP 53
	// ALL NONE
}

// NotIn is true for a label that is absent (R20).
func ExampleSelector() {
	s := model.Selector{{Key: "data-class", Operator: model.NotIn, Values: []string{"restricted"}}}
	fmt.Println(s, s.Matches(map[string]string{"app": "trainer"}), s.Matches(map[string]string{"data-class": "restricted"}))
	// Output: data-class!=restricted true false
}

// What the snapshot does not say stays visible: TCP 443 is certain, the rest
// of the range is not.
func ExampleBounds() {
	b := model.Bounds{Lower: model.Port(model.TCP, 443), Upper: model.Ports(model.PortRange{Protocol: model.TCP, First: 443, Last: 450})}
	fmt.Println(b.Verdict(model.TCP, 443), b.Verdict(model.TCP, 444), b.Verdict(model.TCP, 80), b.Exact())
	// Output: allowed uncertain denied false
}
