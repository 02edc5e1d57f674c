package cacerts

import "testing"

// FuzzPackage: what a package manager says is two versions, or none.
func FuzzPackage(f *testing.F) {
	f.Add("ca-certificates:\n  Installed: 20230311+deb12u1\n  Candidate: 20250419\n  Version table:\n")
	f.Add("  Installed: (none)\n  Candidate: @evil\n")
	f.Add("ca-certificates.noarch  2025.2.80-90.0.el9  baseos\n")
	f.Fuzz(func(t *testing.T, text string) {
		p := parsePolicy(text)
		for _, v := range []string{p.installed, p.offered, parseUpdate(text)} {
			if v != "" && (!versionText.MatchString(v) || len(v) > 100) {
				t.Errorf("%q", v)
			}
		}
		if p.offered != "" && p.offered == p.installed {
			t.Errorf("%+v", p)
		}
	})
}
