package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// One file is one file, whatever it is called.
func TestOneFile(t *testing.T) {
	dir := t.TempDir()
	real, err := filepath.EvalSymlinks(dir)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o755))
	require.NoError(t, os.Symlink("sub", filepath.Join(dir, "link")))
	for _, name := range []string{"sub/new.json", "link/new.json", "sub/../link/./new.json"} {
		require.Equal(t, filepath.Join(real, "sub/new.json"), oneFile(dir+"/"+name))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "sub/old.json"), nil, 0o600))
	require.NoError(t, os.Symlink("sub/old.json", filepath.Join(dir, "alias.json")))
	require.Equal(t, filepath.Join(real, "sub/old.json"), oneFile(filepath.Join(dir, "alias.json")))
	require.NotEqual(t, oneFile("a.json"), oneFile("b.json"))
}

func TestReplaceWritesAllOrNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "out.json")
	full := errors.New("disk full")
	half := func(w io.Writer) error {
		_, err := io.WriteString(w, "half")
		return errors.Join(err, full)
	}
	whole := func(w io.Writer) error {
		_, err := io.WriteString(w, "whole")
		return err
	}
	names := func() (out []string) {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	text := func(name string) string {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(b)
	}

	require.ErrorIs(t, replace(file, half), full)
	require.Empty(t, names())

	require.NoError(t, os.WriteFile(file, []byte("before"), 0o640))
	require.NoError(t, os.Chmod(file, 0o640))
	require.ErrorIs(t, replace(file, half), full)
	require.Equal(t, "before", text(file))

	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink("out.json", link))
	require.NoError(t, replace(link, whole))
	require.Equal(t, "whole", text(file))
	require.Equal(t, []string{"link", "out.json"}, names())
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "out.json", target)

	// A device stays what it is.
	require.NoError(t, replace(os.DevNull, whole))
	info, err = os.Stat(os.DevNull)
	require.NoError(t, err)
	require.False(t, info.Mode().IsRegular())
}
