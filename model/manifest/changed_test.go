package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podreach/podreach/model/dialect"
)

// TestChangedSinceRead changes a file between reading and asking for positions:
// a position is of what was read, or none.
func TestChangedSinceRead(t *testing.T) {
	list := `{"kind":"List","apiVersion":"v1","items":[` + "\n" + `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}` + "\n]}"
	for _, text := range []string{pod + "---\n" + pod, list} {
		for name, change := range map[string]func(t *testing.T, file string){
			"grows":    func(t *testing.T, file string) { write(t, file, "# more\n"+text) },
			"shrinks":  func(t *testing.T, file string) { require.NoError(t, os.Truncate(file, 10)) },
			"vanishes": func(t *testing.T, file string) { require.NoError(t, os.Remove(file)) },
			"is replaced": func(t *testing.T, file string) {
				info, err := os.Stat(file)
				require.NoError(t, err)
				write(t, file+".new", strings.ToUpper(text))
				require.NoError(t, os.Chtimes(file+".new", info.ModTime(), info.ModTime()))
				require.NoError(t, os.Rename(file+".new", file))
			},
			"is written anew": func(t *testing.T, file string) {
				write(t, file, strings.ToUpper(text))
				require.NoError(t, os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)))
			},
			"is a folder": func(t *testing.T, file string) {
				require.NoError(t, os.Remove(file))
				require.NoError(t, os.Mkdir(file, 0o755))
			},
		} {
			t.Run(name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "x")
				write(t, file, text)
				var l dialect.Ledger
				r := readInputs(Options{}, Paths([]string{file}, nil, &l)...)
				last := r.objects[len(r.objects)-1].Origin.Field("metadata")
				change(t, file)
				require.Equal(t, Position{File: file, Changed: true}, r.reader.Locate(last))
				require.Equal(t, file+" (changed since it was read)", r.reader.Locate(last).String())
			})
		}
		t.Run("compressed", func(t *testing.T) { // what was read is kept
			file := filepath.Join(t.TempDir(), "x")
			write(t, file, string(gzipped(text)))
			var l dialect.Ledger
			r := readInputs(Options{}, Paths([]string{file}, nil, &l)...)
			require.NoError(t, os.Remove(file))
			require.Positive(t, r.reader.Locate(r.objects[len(r.objects)-1].Origin).Line)
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

// meddled is a file that somebody changes when its end is near.
type meddled struct {
	*os.File
	meddle func()
}

func (m *meddled) Read(b []byte) (int, error) {
	n, err := m.File.Read(b[:min(len(b), 64)])
	if err == io.EOF && m.meddle != nil {
		m.meddle()
		m.meddle = nil
		n, err = m.File.Read(b)
	}
	return n, err
}

// TestChangedWhileRead changes a file before it is read to its end: what it
// holds is not known.
func TestChangedWhileRead(t *testing.T) {
	for _, text := range []string{pod + "---\n" + pod + "---\n", `{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"}}`} {
		for name, meddle := range map[string]func(file string) error{
			"grows": func(file string) error {
				f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
				if err == nil {
					_, err = f.WriteString(text)
					err = errors.Join(err, f.Close())
				}
				return err
			},
			"shrinks": func(file string) error { return os.Truncate(file, 3) },
			"is touched": func(file string) error {
				return os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour))
			},
		} {
			t.Run(name, func(t *testing.T) {
				file := filepath.Join(t.TempDir(), "x")
				write(t, file, text)
				r := readInputs(Options{}, Input{Name: file, Open: func() (io.ReadCloser, error) {
					f, err := os.Open(file)
					return &meddled{f, func() { require.NoError(t, meddle(file)) }}, err
				}}, Bytes("ok", []byte(pod)))
				require.Equal(t, []string{file + " (changed since it was read): the file changed while it was read (PR1007)"}, r.diagnostics())
				require.Equal(t, &Broken{Policy: true}, r.objects[len(r.objects)-2].Value)
			})
		}
	}
}

// TestSpecialFiles reads what is no file and no folder. A pipe that nobody
// writes to is waited for, as kubectl does.
func TestSpecialFiles(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the files are those of Linux")
	}
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, exec.Command("mkfifo", pipe).Run())
	go func() {
		if f, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil {
			_, err = fmt.Fprint(f, pod, "---\na: [")
			if err = errors.Join(err, f.Close()); err != nil {
				t.Error(err)
			}
		}
	}()
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	for _, c := range []struct {
		path  string
		names []string
		want  []string
	}{
		{pipe, []string{"Pod ml/a Pod", "Broken"}, []string{pipe + ":13:1: broken YAML: did not find expected node content; it may hold a policy of any namespace (PR1001)"}},
		{"/dev/null", nil, []string{"/dev/null:1:1: the file holds no Kubernetes object (PR1003)", ": the input holds no Kubernetes object (PR1012)"}},
		{"/dev/zero", []string{"Broken"}, []string{"/dev/zero:1:1: the YAML document is larger than 1 MiB (--limit yaml=2Mi raises this) and no line --- that would end it is near; what follows in this file is not read; it may hold a policy of any namespace (PR1008)"}},
		{loop, []string{"Broken"}, []string{loop + ": too many levels of symbolic links (PR1007)"}},
		{dir + "/" + strings.Repeat("x", 300), []string{"Broken"}, []string{dir + "/" + strings.Repeat("x", 300) + ": file name too long (PR1007)"}},
		{pipe + "/x", []string{"Broken"}, []string{pipe + "/x: not a directory (PR1007)"}},
		{dir + "/\x00", []string{"Broken"}, []string{dir + "/\x00: invalid argument (PR1007)"}},
	} {
		var l dialect.Ledger
		r := readInputs(Options{Limits: Limits{Document: 1 << 20}}, Paths([]string{c.path}, nil, &l)...)
		require.Empty(t, l.Diagnostics)
		require.Equal(t, c.want, r.diagnostics())
		require.Equal(t, append([]string{}, c.names...), r.names())
	}
}

// TestMillion reads a list of a million objects, which is fine, and ten million
// documents, which end at a limit: in memory that does not grow with them.
func TestMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	member := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"b"}},` + "\n"
	count := func(head, text string, n int, tail string) (objects, broken int, diagnostics []string, grown uint64) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := NewReader(Options{})
		var l dialect.Ledger
		in := Input{Name: "in", Once: true, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{text: text}, int64(n*len(text))), strings.NewReader(tail))), nil
		}}
		for o := range r.Read([]Input{in}, &l) {
			if _, ok := o.Value.(*Broken); ok {
				broken++
			} else {
				objects++
			}
			if objects%200_000 == 0 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				grown = max(grown, after.HeapAlloc-min(after.HeapAlloc, before.HeapAlloc))
			}
		}
		for _, d := range l.Diagnostics {
			diagnostics = append(diagnostics, fmt.Sprintf("%v: %s", r.Locate(d.Origin), d.Message))
		}
		return objects, broken, diagnostics, grown
	}
	objects, broken, diagnostics, grown := count(`{"apiVersion":"v1","kind":"List","items":[`, member, 1_000_000, strings.TrimSuffix(member, ",\n")+"]}")
	require.Equal(t, 1_000_001, objects)
	require.Zero(t, broken)
	require.Empty(t, diagnostics)
	require.Less(t, grown, uint64(32<<20))

	objects, broken, diagnostics, grown = count("", `{"apiVersion":"v1","kind":"X"}`+"\n", 10_000_000, "")
	require.Equal(t, MaxObjects, objects)
	require.Equal(t, 1, broken)
	require.Equal(t, []string{"in:5000001:1: the input holds more than 5000000 objects (--limit objects=10M raises this); what follows in this file is not read; it may hold a policy of any namespace"}, diagnostics)
	require.Less(t, grown, uint64(32<<20))
}

// TestProblems ends a file that is wrong all over.
func TestProblems(t *testing.T) {
	bad := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","labels":{"a":1,"b":2}}}` + "\n"
	r := readInputs(Options{Limits: Limits{Problems: 100}}, Bytes("in", []byte(strings.Repeat(bad, 10_000))), Bytes("ok", []byte(pod)))
	require.Len(t, r.ledger.Diagnostics, 103)
	require.Equal(t, "in:52:1: there are more than 100 problems with the objects of this input (--limit problems=200 raises this); "+
		"what follows in this file is not read; it may hold a policy of any namespace (PR1008)", r.diagnostics()[102])
	require.Equal(t, []string{"Broken", "Pod ml/a Pod"}, r.names()[51:])
}

// TestClosedFolder walks into a folder that the system does not show. (Root,
// who runs some tests, may see all of them.)
func TestClosedFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "closed"), 0o755))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	f := folder{root: "r", real: dir, walked: map[string]bool{}}
	refused := &fs.PathError{Op: "open", Path: filepath.Join(dir, "closed"), Err: fs.ErrPermission}
	require.NoError(t, f.visit(filepath.Join(dir, "closed"), entries[0], nil))
	require.Equal(t, fs.SkipDir, f.visit(filepath.Join(dir, "closed"), entries[0], refused))
	require.Len(t, f.entries, 1)
	r := readInputs(Options{}, f.entries[0].Input, Bytes("ok", []byte(pod)))
	require.Equal(t, []string{"r/closed: cannot open: permission denied (PR1007)"}, r.diagnostics())
	require.Equal(t, []string{"Broken", "Pod ml/a Pod"}, r.names())
}
