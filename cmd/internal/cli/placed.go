package cli

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/podreach/podreach/cmd/internal/kustomize"
	"github.com/podreach/podreach/cmd/internal/report"
)

// placed is what a gate found, with the repository that it is about.
func (o *output) placed(f *report.Findings) *report.Findings {
	out := *f
	out.Version = buildVersion().Version
	out.Root = repository()
	out.Link = repositoryLink()
	if in := o.run.in; in != nil && out.Input == "" {
		switch {
		case len(in.files) > 0:
			out.Input = in.files[0]
		case in.kustomize != "":
			out.Input = kustomize.File(in.kustomize)
		}
		if in.built != nil {
			out.Items = in.withFiles(out.Items)
		}
	}
	return &out
}

// repository is the folder that positions are relative to: the one above the
// current folder that holds .git, else the workspace of GitHub Actions when the
// current folder is in it, else the current folder.
func repository() string {
	here, err := os.Getwd()
	if err != nil {
		return ""
	}
	for folder := here; ; folder = filepath.Dir(folder) {
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			break
		}
	}
	if workspace := os.Getenv("GITHUB_WORKSPACE"); workspace != "" {
		if rel, err := filepath.Rel(workspace, here); err == nil && filepath.IsLocal(rel) {
			return workspace
		}
	}
	return here
}

// repositoryLink is where the files of the commit can be looked at, as GitHub
// Actions and GitLab say it in the environment.
func repositoryLink() string {
	server, name, commit := os.Getenv("GITHUB_SERVER_URL"), os.Getenv("GITHUB_REPOSITORY"), os.Getenv("GITHUB_SHA")
	if server != "" && name != "" && commit != "" {
		return server + "/" + name + "/blob/" + commit
	}
	if project, commit := os.Getenv("CI_PROJECT_URL"), os.Getenv("CI_COMMIT_SHA"); project != "" && commit != "" {
		return project + "/-/blob/" + commit
	}
	return ""
}

// withFiles adds to places in what a kustomization was built to the files that
// the objects began as: a review can show those.
func (in *input) withFiles(items []report.Finding) []report.Finding {
	out := slices.Clone(items)
	for i := range out {
		var at []report.Place
		for _, p := range out[i].At {
			at = append(at, p)
			if file := in.began(p.File, p.Line); file != "" {
				at = append(at, report.Place{File: file, Message: p.Message})
			}
		}
		out[i].At = at
	}
	return out
}
