package manifest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func zstandard(text string) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll([]byte(text), nil)
}

// packings are the ways in which a text can come in.
var packings = []struct {
	name string
	pack func(text string) []byte
	once bool
}{
	{"plain", func(text string) []byte { return []byte(text) }, false},
	{"pipe", func(text string) []byte { return []byte(text) }, true},
	{"gzip", gzipped, false},
	{"gzip members", func(text string) []byte {
		return append(append(gzipped(text[:len(text)/3]), gzipped("")...), gzipped(text[len(text)/3:])...)
	}, true},
	{"zstd", zstandard, false},
	{"zstd frames", func(text string) []byte {
		skip := []byte{0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'} // says nothing
		return append(append(skip, zstandard(text[:len(text)/2])...), zstandard(text[len(text)/2:])...)
	}, false},
}

// packed is an input with a text.
func packed(name, text string, pack func(string) []byte, once bool) Input {
	in := Bytes(name, pack(text))
	in.Once = once
	return in
}

// TestPackings: a text gives the same, with the same positions, however it
// comes in.
func TestPackings(t *testing.T) {
	limits := Options{Limits: Limits{Expansion: 1 << 16}}
	rnd := rand.New(rand.NewPCG(2, 2))
	var texts []string
	for _, doc := range dialect.Codes {
		texts = append(texts, doc.Example)
		if !testing.Short() {
			texts = append(texts, "\uFEFF"+doc.Example, "{}\n---\n"+doc.Example)
		}
	}
	var list strings.Builder
	list.WriteString("{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[\n")
	for i := range 5000 {
		fmt.Fprintf(&list, "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"p%d\",\n\"labels\":{\"n\":%d,\"r\":\"%x\"}}},\n", i, i%50/49, rnd.Uint64())
	}
	texts = append(texts, list.String(), strings.TrimSuffix(list.String(), ",\n")+"]}", strings.Repeat("---\n"+pod, 5000)+"a: [")
	for _, text := range texts {
		want := readInputs(limits, Bytes("in.yaml", []byte(text)))
		for _, p := range packings[1:] {
			got := readInputs(limits, packed("in.yaml", text, p.pack, p.once))
			require.Equal(t, want.objects, got.objects, p.name)
			require.Equal(t, want.diagnostics(), got.diagnostics(), p.name)
		}
	}
}

// TestDamaged cuts compressed streams off at every byte, and changes every
// byte: what is read then is what was packed, or there is an error.
func TestDamaged(t *testing.T) {
	text := strings.Repeat(pod+"---\n", 20) + strings.Repeat("{\"kind\": \"x\", \"y\": 1}\n---\n", 10)
	whole := read(text).objects
	for _, format := range []struct {
		name string
		pack func(string) []byte
	}{{"gzip", gzipped}, {"zstd", zstandard}} {
		b := format.pack(text)
		for n := 2; n < len(b); n++ {
			r := read(string(b[:n]))
			require.NotZero(t, r.ledger.Count(dialect.Error), "%s, %d of %d", format.name, n, len(b))
			require.IsType(t, &Broken{}, r.objects[len(r.objects)-1].Value)
			require.True(t, r.objects[len(r.objects)-1].Value.(*Broken).Policy)
			if n > 4 {
				require.Contains(t, r.diagnostics()[len(r.ledger.Diagnostics)-1], "the "+format.name+" stream ends too early (PR1007)")
			}
		}
		for i := range b {
			for _, flip := range []byte{1, 0x80, 0xff} {
				c := bytes.Clone(b)
				c[i] ^= flip
				if r := read(string(c)); r.ledger.Count(dialect.Error) == 0 {
					require.Equal(t, whole, r.objects, "%s, byte %d of %d", format.name, i, len(b))
				}
			}
		}
		for _, tail := range []string{"x", "\x00", "\n", pod, "\x1f\x8b", "\x28\xb5\x2f\xfd", "PK"} {
			r := read(string(b) + tail)
			require.NotZero(t, r.ledger.Count(dialect.Error), "%s and %q", format.name, tail)
			require.Contains(t, strings.Join(r.diagnostics(), "\n"), "(PR1007)")
			require.IsType(t, &Broken{}, r.objects[len(r.objects)-1].Value)
		}
	}
}

func TestOtherFormats(t *testing.T) {
	archive := make([]byte, 1024)
	copy(archive[257:], "ustar")
	const any = "; it may hold a policy of any namespace (PR1001)"
	for text, want := range map[string]string{
		string(gzipped(string(gzipped(pod)))):       "the file is compressed twice; unpack it once (gzip -dc FILE | podreach ... -f -)",
		string(zstandard(string(zstandard(pod)))):   "the file is compressed twice; unpack it once (zstd -dc FILE | podreach ... -f -)",
		string(gzipped(string(zstandard(pod)))):     "the file is compressed twice; unpack it once (zstd -dc FILE | podreach ... -f -)",
		"BZh91AY&SY":                                "the file is compressed with bzip2, which is not read; unpack it first (bzip2 -dc FILE | podreach ... -f -)",
		"\xfd7zXZ\x00":                              "the file is compressed with xz, which is not read; unpack it first (xz -dc FILE | podreach ... -f -)",
		"PK\x03\x04":                                "the file is a zip archive, which is not read; unpack it into a folder first",
		string(archive):                             tar,
		string(gzipped(string(archive))):            tar,
		string(gzipped("\xff\xfek\x00i\x00n\x00d")): utf16,
	} {
		r := read(text)
		require.Equal(t, []string{"in.yaml:1:1: " + want + any}, r.diagnostics())
		require.Equal(t, &Broken{Policy: true}, r.objects[0].Value)
	}
	r := read("\x28\xb5\x2f\xfd\x00\xa0" + pod) // a window of 1 GiB
	require.Equal(t, []string{"in.yaml:1:1: the zstd stream refers back over more than 128 MiB; compress it without --long (PR1008)"}, r.diagnostics())
}

// repeated packs a text n times over.
func repeated(t *testing.T, pack string, text string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if pack == "zstd" {
		z, err := zstd.NewWriter(&b)
		require.NoError(t, err)
		w = z
	}
	block := strings.Repeat(text, max(1, 1<<20/len(text)))
	for left := n * len(text); left > 0; left -= len(block) {
		_, err := io.WriteString(w, block[:min(left, len(block))])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// TestBombs unpacks what is small and says much: it ends at a limit, soon.
func TestBombs(t *testing.T) {
	const what = "; what follows in this file is not read; it may hold a policy of any namespace (PR1008)"
	item := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"x":"` + strings.Repeat("y", 1<<20) + `"}}` + "\n"
	formats := []string{"gzip", "zstd"}
	if testing.Short() {
		formats = formats[1:] // what follows the unpacking is the same
	}
	for _, format := range formats {
		for _, c := range []struct {
			text   string
			n      int
			limits Limits
			want   string
		}{
			{"\x00", 20 << 20, Limits{Document: 4 << 20, YAML: 1 << 20}, "in:1:1: the YAML document is larger than 1 MiB (--limit yaml=2Mi raises this) and no line --- that would end it is near" + what},
			{" ", 20 << 20, Limits{Document: 4 << 20, YAML: 1 << 20}, "in:1:1: the YAML document is larger than 1 MiB (--limit yaml=2Mi raises this) and no line --- that would end it is near" + what},
			{`{"a":`, 4 << 20, Limits{}, "in:1:50001: nested more than 10000 levels deep" + what},
			{item, 80, Limits{Text: 60 << 20}, "in:59:1048655: the input is larger than 60 MiB (--limit text=120Mi raises this)" + what},
			{item, 200, Limits{Objects: 99}, "in:100:1: the input holds more than 99 objects (--limit objects=198 raises this)" + what},
			{"--- {a: b}\n", 2_000_000, Limits{Objects: 10_000}, "in:10001:5: the input holds more than 10000 objects (--limit objects=20k raises this)" + what},
		} {
			start := time.Now()
			r := readInputs(Options{Limits: c.limits}, Bytes("in", repeated(t, format, c.text, c.n)))
			got := r.diagnostics()
			require.Contains(t, got, c.want, format)
			require.Equal(t, &Broken{Policy: true}, r.objects[len(r.objects)-1].Value)
			require.Less(t, time.Since(start), 30*time.Second)
		}
	}
}
