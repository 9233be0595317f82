package solver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/engine"
	"github.com/podreach/podreach/model"
)

func TestParsePorts(t *testing.T) {
	r := func(p model.Protocol, first, last uint16) model.PortRange {
		return model.PortRange{Protocol: p, First: first, Last: last}
	}
	named := func(name string, protocols ...model.Protocol) (out []model.NamedPort) {
		for _, p := range protocols {
			out = append(out, model.NamedPort{Name: name, Protocol: p})
		}
		return out
	}
	all := []model.Protocol{model.TCP, model.UDP, model.SCTP}
	for _, c := range []struct {
		text  string
		set   []model.PortRange
		names []model.NamedPort
		print string
	}{
		{"443", []model.PortRange{r(model.TCP, 443, 443)}, nil, "TCP/443"},
		{"TCP/443", []model.PortRange{r(model.TCP, 443, 443)}, nil, "TCP/443"},
		{"443/TCP", []model.PortRange{r(model.TCP, 443, 443)}, nil, "TCP/443"},
		{"tcp/443", []model.PortRange{r(model.TCP, 443, 443)}, nil, "TCP/443"},
		{"443/uDp", []model.PortRange{r(model.UDP, 443, 443)}, nil, "UDP/443"},
		{"UDP/53", []model.PortRange{r(model.UDP, 53, 53)}, nil, "UDP/53"},
		{"TCP/8000-8100", []model.PortRange{r(model.TCP, 8000, 8100)}, nil, "TCP/8000-8100"},
		{"8000-8100", []model.PortRange{r(model.TCP, 8000, 8100)}, nil, "TCP/8000-8100"},
		{"8000-8100/UDP", []model.PortRange{r(model.UDP, 8000, 8100)}, nil, "UDP/8000-8100"},
		{"SCTP/*", []model.PortRange{r(model.SCTP, 1, 65535)}, nil, "SCTP/*"},
		{"*/sctp", []model.PortRange{r(model.SCTP, 1, 65535)}, nil, "SCTP/*"},
		{"TCP/1-65535", []model.PortRange{r(model.TCP, 1, 65535)}, nil, "TCP/*"},
		{"TCP/*,UDP/*,SCTP/*", model.AllPorts().Ranges(), nil, "TCP/*,UDP/*,SCTP/*"},
		{"80, 443 ,UDP/53", []model.PortRange{r(model.TCP, 80, 80), r(model.TCP, 443, 443), r(model.UDP, 53, 53)}, nil, "TCP/80,TCP/443,UDP/53"},
		{"81,80", []model.PortRange{r(model.TCP, 80, 81)}, nil, "TCP/80-81"},
		{"1", []model.PortRange{r(model.TCP, 1, 1)}, nil, "TCP/1"},
		{"65535", []model.PortRange{r(model.TCP, 65535, 65535)}, nil, "TCP/65535"},
		{"http", nil, named("http", all...), "http"},
		{"UDP/dns", nil, named("dns", model.UDP), "UDP/dns"},
		{"dns/udp", nil, named("dns", model.UDP), "UDP/dns"},
		{"UDP/dns,TCP/dns", nil, named("dns", model.TCP, model.UDP), "TCP/dns,UDP/dns"},
		{"UDP/dns,dns", nil, named("dns", all...), "dns"},
		{"web,443,api", []model.PortRange{r(model.TCP, 443, 443)}, append(named("api", all...), named("web", all...)...), "TCP/443,api,web"},
		{"tcp", nil, named("tcp", all...), "tcp"},
		{"tcp/udp", nil, named("udp", model.TCP), "TCP/udp"},
		{"80-http", nil, named("80-http", all...), "80-http"},
		{"8a", nil, named("8a", all...), "8a"},
	} {
		q, err := ParsePorts(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.text, q.Text)
		require.False(t, q.Any, c.text)
		require.True(t, q.Set.Equal(model.Ports(c.set...)), "%s: %v", c.text, q.Set)
		require.Equal(t, c.names, q.Names, c.text)
		require.Equal(t, c.print, q.String(), c.text)
		checkStablePorts(t, q)
	}
	for _, s := range []string{"", "  "} {
		q, err := ParsePorts(s)
		require.NoError(t, err)
		require.Equal(t, PortQuery{Text: s, Any: true, Set: model.AllPorts()}, q)
		require.Empty(t, q.String())
	}
}

func checkStablePorts(t *testing.T, q PortQuery) {
	t.Helper()
	again, err := ParsePorts(q.String())
	require.NoError(t, err, q.String())
	require.Equal(t, q.String(), again.String())
	q.Text, again.Text = "", ""
	require.Equal(t, q, again)
}

func TestParsePortsErrors(t *testing.T) {
	const port = "is not a port: expected 1 to 65535, a range, or a port name of at most 15 lower-case letters, digits or '-'"
	const number = "is not a port number, expected 1 to 65535"
	const protocol = "is not a protocol, expected TCP, UDP or SCTP"
	for text, want := range map[string]string{
		"0":                `"0": "0" ` + number,
		"65536":            `"65536": "65536" ` + number,
		"99999999999999":   `"99999999999999": "99999999999999" ` + number,
		"80-":              `"80-", column 4: "" ` + number,
		"-80":              `"-80": "" ` + number,
		"UDP/80-70":        `"UDP/80-70", column 5: the range 80-70 ends before it starts; did you mean 70-80?`,
		"80-90-95":         `"80-90-95", column 4: "90-95" ` + number,
		"*":                `"*": expected a protocol before '*', such as TCP/*; any port of any protocol is meant when none is given`,
		",":                `",": expected a port such as 443, UDP/53 or http`,
		"80,":              `"80,", column 4: expected a port such as 443, UDP/53 or http`,
		"80,,81":           `"80,,81", column 4: expected a port such as 443, UDP/53 or http`,
		"80, foo/81":       `"80, foo/81", column 5: "foo" ` + protocol,
		"TPC/80":           `"TPC/80": "TPC" ` + protocol + `; did you mean TCP/80?`,
		"80/upd":           `"80/upd", column 4: "upd" ` + protocol + `; did you mean 80/UDP?`,
		"80/":              `"80/", column 4: "" ` + protocol,
		"/80":              `"/80": "" ` + protocol,
		"TCP/":             `"TCP/", column 5: "" ` + number,
		"TCP/80/90":        `"TCP/80/90", column 5: "80/90" ` + port,
		"TCP":              `"TCP": "TCP" ` + port + `; did you mean TCP/*?`,
		"HTTP":             `"HTTP": "HTTP" ` + port + `; did you mean http?`,
		"TCP/HTTP":         `"TCP/HTTP", column 5: "HTTP" ` + port + `; did you mean TCP/http?`,
		"a--b":             `"a--b": "a--b" ` + port,
		"abcdefghijklmnop": `"abcdefghijklmnop": "abcdefghijklmnop" ` + port,
		"80 90":            `"80 90": "80 90" ` + port,
		"+80":              `"+80": "+80" ` + port,
	} {
		q, err := ParsePorts(text)
		require.Error(t, err, text)
		require.Equal(t, want, err.Error())
		require.Zero(t, q)
	}
}

func FuzzParsePorts(f *testing.F) {
	for _, s := range []string{"", "443", "UDP/53,http", "*/tcp", "1-2/udp", "tcp/udp", "a--b", "0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParsePorts(s)
		if err != nil {
			var x *ExprError
			require.True(t, errors.As(err, &x))
			require.Equal(t, s, x.Text)
			require.True(t, 0 <= x.Offset && x.Offset <= len(s), "offset %d in %q", x.Offset, s)
			return
		}
		checkStablePorts(t, q)
	})
}

// Where the ports of a destination are not known a name may be any of them (R66).
func TestAskNameUnknown(t *testing.T) {
	s := *office(t).Snapshot()
	s.Pods = append([]model.Pod(nil), s.Pods...)
	to := &s.Pods[3]
	require.Equal(t, "twin-abc", to.Name)
	to.Ports, to.PortsUnknown = []model.ContainerPort{{NamedPort: model.NamedPort{Name: "http", Protocol: model.TCP}, Port: 80}}, true
	s.Rules = nil
	x, err := engine.Compile(&s, engine.Options{})
	require.NoError(t, err)
	f, _ := ends(t, x, "ml/web")
	g, _ := ends(t, x, "ml/job/twin")
	for ports, want := range map[string]Truth{"http": Yes, "metrics": Uncertain, "UDP/http": Uncertain, "metrics,443": Yes} {
		q, err := ParsePorts(ports)
		require.NoError(t, err)
		a := Ask(x, Question{From: f, To: g, Ports: q})
		require.Equal(t, want, a.Truth, ports)
		if want == Uncertain {
			require.Contains(t, a.Reason(x), "the port names of ml/")
			require.True(t, a.Ports.Empty())
			require.False(t, a.MaybePorts.Empty())
		}
		if ports == "metrics" {
			require.Equal(t, Uncertain, Ask(x, Question{From: f, To: g, Ports: q, Mode: All}).Truth)
			require.Equal(t, Uncertain, Ask(x, Question{From: f, To: g, Ports: q, Mode: None}).Truth)
		}
	}
}
