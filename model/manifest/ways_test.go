package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model"
)

// pieces are what bytes from 0x80 on stand for in the texts of fuzz targets, so
// that a few of them make a list whose members can be decoded by others.
var pieces = []string{
	"{\"apiVersion\": \"v1\", \"items\": [\n  ", "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n  ", "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"items\": [\n  ", // 80
	",\n  ", "\n  ", "\n], \"kind\": \"List\"}", "\n]}\n", "]", "}", "{", "[", // 83
	`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"n","labels":{"app":"x"}}}`, // 8b
	`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"b","labels":{"app":"x"},"ownerReferences":[{"kind":"Job","name":"j","controller":true}]},"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}]}]}}`,
	`{"metadata":{"name":"typeless"}}`, `{"kind":"Pod","metadata":{"name":"half"}}`, // 8d
	`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c","name":"d"}}`, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"e","n\u0061me":"f"}}`, // 8f
	`{"apiVersion":"v1","kind":"Pod","spec":{"hostNetwork":"yes"},"metadata":{"name":"g","labels":{"a":1}}}`,                          // 91
	`{"apiVersion":"v1","Kind":"Pod","kind":"Pod","METADATA":{},"metadata":{"Name":"x","name":"h"}}`,                                  // 92
	`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"data":{"a":"c2VjcmV0"}}`,                                             // 93
	`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"p"},"spec":{"podSelector":{},"ingress":[{}]}}`,   // 94
	`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"q"},"spec":{"podSelectr":{}}}`,                   // 95
	"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n  {\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"}}", // 96
	"null", "17", `"text"`, "1e999", "-0", `{"apiVersion":"v1","kind":"Pod","metadata":null}`, "// no\n", "\xff", "\uFEFF", `\ud800`, // 97
	"[[[[[[[[", "]]]]]]]]", `"items": [`, `"items": `, `,"kind":"List"`, "\n---\nkind: A\napiVersion: v1\n", strings.Repeat(" ", 300), // a1
	`"apiVersion":"v1","kind":"Pod","metadata":{"name":"k","deletionTimestamp":"x","uid":"u","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},`, // a8
	`"spec":`, `"status":{"podIP":"1.2.3.4","podIPs":[{"ip":"1.2.3.4"}],"hostIPs":[null]}`, `"containers":[`, `"ports":[`, `"containerPort":`, `"labels":{`, `"metadata":{`, // a9
	`{"name":"c"}`, `"name":`, `"hostNetwork":`, `2147483648`, `1.0`, `true`, `"\u0061"`, `"restartPolicy":"Always"`, // b0
	"{\"apiVersion\":\"v1\",\"kind\":\"T\",\"metadata\":{\"name\":\"t\"},\"spec\":[{},\n  {},\n  {}]}", // b8
	`{"apiVersion":"v1","kind":"T","metadata":{"name":"u"}}],"x":[{"apiVersion":"v1","kind":"T","metadata":{"name":"v"}}`,
	`{"apiVersion":"v1","kind":"T","metadata":{"name":"u"}}]} {"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"T","metadata":{"name":"v"}}`,
}

// spelled is the text that bytes stand for.
func spelled(b []byte) []byte {
	var out []byte
	for _, c := range b {
		if c >= 0x80 && int(c-0x80) < len(pieces) {
			out = append(out, pieces[c-0x80]...)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// said is what a reading gave that somebody can see, positions included.
func (r *reading) said() any {
	var places []Position
	for _, o := range r.objects {
		places = append(places, r.reader.Locate(o.Origin))
	}
	return []any{r.objects, r.ledger, r.diagnostics(), places}
}

// readBlocks reads with blocks of so many bytes, or with none.
func readBlocks(o Options, block int, in Input) *reading {
	r := &reading{reader: NewReader(o)}
	r.reader.block = block
	for object := range r.reader.Read([]Input{in}, &r.ledger) {
		r.objects = append(r.objects, object)
	}
	return r
}

// FuzzMembers: what a text holds, where it is and what is wrong with it, limits
// included, does not depend on whether others decode members of its lists, nor
// on the size of their blocks. Nothing that was refused is a pod, and no secret
// is kept.
func FuzzMembers(f *testing.F) {
	for _, head := range []string{"\x80", "\x81", "\x82"} {
		for odd := byte(0x83); int(odd-0x80) < len(pieces); odd++ {
			for _, tail := range []string{"\x85", "\x86", ""} {
				text := head + "\x8b\x83\x8c\x83" + string([]byte{odd}) + "\x83\x8b\x83\x94\x83\x93" + tail
				f.Add([]byte(text), byte(1), uint16(0), uint16(0), byte(0))
				f.Add([]byte(text), byte(255), uint16(0), uint16(0), byte(0))
			}
		}
	}
	for block := byte(100); block < 250; block += 5 { // one that ends behind what looks like one member
		f.Add([]byte("\x81"+strings.Repeat("\x8b\x83", 7)+"\xb9\x83\x8b\x85"), block, uint16(0), uint16(0), byte(0))
		f.Add([]byte("\x81"+strings.Repeat("\x8b\x83", 7)+"\xba\x83\x8b\x85"), block, uint16(0), uint16(0), byte(0))
	}
	f.Add([]byte("\x81\x8b\x83\x8b\x83\x8b\x83\x8b\x83\x8c\x85\x81\x8b\x83\x8c\x83\x8b\x83\x85\x83"), byte(9), uint16(0), uint16(0), byte(0))
	f.Add([]byte("\x81\x8b\x83\x8b\x83\x8b\x83\x8b\x83\x8c\x83\xa7\x85"), byte(9), uint16(400), uint16(0), byte(0))
	f.Add([]byte("\x81\x8b\x83\x8b\x83\x8b\x83\x8b\x83\x8c\x83\x91\x85"), byte(9), uint16(0), uint16(200), byte(0))
	f.Add([]byte("\x81\x8b\x83\x8b\x83\x8b\x83\x91\x83\x91\x83\x91\x85"), byte(9), uint16(0), uint16(0), byte(5))
	f.Fuzz(func(t *testing.T, b []byte, block byte, document, most uint16, few byte) {
		text := spelled(b)
		if len(text) > 1<<16 {
			return
		}
		limits := Limits{Document: 1 << 20, YAML: 1 << 16, Expansion: 1 << 16, Depth: 100, Objects: int64(few), Problems: int64(few), Text: int64(most)}
		if document > 0 {
			limits.Document = 32*(1+int64(block)) + int64(document)
		}
		o := Options{Limits: limits}
		want := readBlocks(o, -1, Bytes("in", text)).said()
		require.Equal(t, want, readBlocks(o, 1+int(block), Bytes("in", text)).said(), "%q", text)
		require.NotContains(t, fmt.Sprintf("%+v", want), "c2VjcmV0")
	})
}

// ways decodes the first value of a text in one of the two ways of a decoder.
func ways(text []byte, tolerant bool) (out []found, err error) {
	out = []found{}
	dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(tolerant))
	d := decoder{dec: dec, tolerant: tolerant, fields: &fields{dec: dec}, origin: model.Origin{File: "in"}, member: func() {}, emit: func(f found) { out = append(out, f) }}
	err = d.value("", nil)
	return out, err
}

// FuzzFields: what the fast way takes, the tolerant way takes too, and makes
// the same of it.
func FuzzFields(f *testing.F) {
	f.Add(fmt.Appendf(nil, wholePod, 1, 1))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","labels":{"a":null,"\u0062":"\ud83d\ude00"},"l\u0061bels2":{}},"spec":{"containers":[{"name":"c","ports":[{"containerPort":-0}]},null,{"ports":null},{"ports":[{"containerPort":-0}]}]}}`))
	f.Add([]byte("{\xa8\xa9{\xab\xb0,{\xac{\xadaf}]}]},\xaa}"))
	for odd := range pieces {
		for _, text := range []string{"{\xa8\xa9{\xab\xb0,{\xac{\xad*}]}]},\xaa}", "{\xa8\xa9{\xab\xb0,*]},\xaa}", "{\xa8\xa9*,\xaa}", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\xaf\xb1*,\xae*}}}", "\x81*,{\xa8\xa9{\xb2*}}]}"} {
			f.Add(bytes.ReplaceAll([]byte(text), []byte("*"), []byte{0x80 + byte(odd)}))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := spelled(b)
		got, err := ways(text, false)
		want, tolerated := ways(text, true)
		switch {
		case err == nil:
			require.NoError(t, tolerated, "%q", text)
			require.Equal(t, want, got, "%q", text)
		case err == errTolerate, errors.Is(err, jsontext.ErrDuplicateName):
			require.GreaterOrEqual(t, len(want), len(got), "%q", text)
			require.Equal(t, want[:len(got)], got, "%q", text)
			if tolerated == nil {
				bad := 0
				for _, f := range want[len(got):] {
					bad += len(f.diagnostics)
				}
				require.True(t, bad > 0 || errors.Is(err, jsontext.ErrDuplicateName), "refused for nothing: %q", text)
			}
		default:
			require.Equal(t, want, got, "%q", text)
			require.Error(t, tolerated, "%q", text)
		}
	})
}

// Each limit, and a disk that fails, ends a list behind the same object and with
// the same words whatever the number of processors. The texts are such that with
// blocks more could be read than without.
func TestLimitsWithProcessors(t *testing.T) {
	const head, tail = `{"apiVersion": "v1", "items": [`, "\n    ],\n    \"kind\": \"List\"\n}\n"
	big := func(size int) string { // with the ",\n        " before it
		const a, b = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"}, "data": {"a": "`, `"}}`
		return a + strings.Repeat("x", size-10-len(a)-len(b)) + b
	}
	sound := bigList(head, "", tail)
	const text = "in:1:1: the input is larger than 2 MiB (--limit text=4Mi raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)"
	const value = "in:1:1: a JSON value is larger than 64 MiB (--limit document=128Mi raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)"
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, c := range []struct {
		name    string
		limits  Limits
		text    string
		objects int
		want    []string
		fails   bool
	}{
		{name: "text", limits: Limits{Text: 2 << 20}, text: sound, objects: 2021, want: []string{text}},
		{name: "text of one byte more", limits: Limits{Text: int64(len(sound)) - 1}, text: sound, objects: 3001, want: []string{fmt.Sprintf("in:42004:2: the input is larger than %d bytes (--limit text=%d raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)", len(sound)-1, 2*len(sound)-2)}},
		{name: "text that is enough", limits: Limits{Text: int64(len(sound))}, text: sound, objects: 3000},
		{name: "text, and a wrong type", limits: Limits{Text: 2 << 20}, text: bigList(head, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "odd"}, "spec": {"hostNetwork": "yes"}}`, tail), objects: 2022,
			want: []string{"in:21002:83: Pod odd: spec.hostNetwork is a string; it must be true or false (PR1006)", text}},
		{name: "objects", limits: Limits{Objects: 2500}, text: sound, objects: 2501, want: []string{"in:35002:9: the input holds more than 2500 objects (--limit objects=5k raises this); what follows in this file is not read; it may hold a policy of any namespace (PR1008)"}},
		{name: "a member as large as may be", text: bigList(head, big(MaxDocument), tail), objects: 3000},
		{name: "a member that is too large", text: bigList(head, big(MaxDocument+1), tail), objects: 1501, want: []string{value}},
		{name: "what comes behind the list", text: bigList(head, "", "\n    ], \"metadata\": {\"a\": \""+strings.Repeat("x", MaxDocument-100)+"\"},\n    \"kind\": \"List\"\n}\n"), objects: 3000},
		{name: "the disk", text: bigList(head, "", ""), objects: 3001, want: []string{"in:1:1: the disk is gone (PR1007)"}, fails: true},
		{name: "the disk, in a value", text: bigList(head, "", ",{\"metadata\": {\"a\": {\"b\":"), objects: 3001, want: []string{"in:1:1: the disk is gone (PR1007)"}, fails: true},
	} {
		for _, n := range []int{1, 8} {
			runtime.GOMAXPROCS(n)
			in := Bytes("in", []byte(c.text))
			if c.fails {
				in.Open = func() (io.ReadCloser, error) { return failing{strings.NewReader(c.text)}, nil }
			}
			r := readInputs(Options{Limits: c.limits}, in)
			require.Len(t, r.objects, c.objects, "%s, %d processors", c.name, n)
			require.Equal(t, append([]string{}, c.want...), r.diagnostics(), "%s, %d processors", c.name, n)
		}
	}
}
