package site

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsAreReadAsMastodonReadsThem(t *testing.T) {
	long := strings.Repeat("s", 3*lineLimit)
	for name, c := range map[string]struct {
		text string
		want map[string]string
	}{
		"plain":                                   {"LOCAL_DOMAIN=a.example", map[string]string{"LOCAL_DOMAIN": "a.example"}},
		"quoted, with a comment behind":           {`LOCAL_DOMAIN="a.example" # ours`, map[string]string{"LOCAL_DOMAIN": "a.example"}},
		"single quotes keep a dollar":             {`DB_NAME='a$b'`, map[string]string{"DB_NAME": "a$b"}},
		"a hash inside a word belongs to it":      {"S3_BUCKET=a#b # c", map[string]string{"S3_BUCKET": "a#b"}},
		"export, spaces, a byte order mark, CRLF": {"\xef\xbb\xbf  export LOCAL_DOMAIN = a.example \r\nDB_PORT=5432\r\n", map[string]string{"LOCAL_DOMAIN": "a.example", "DB_PORT": "5432"}},
		"a colon instead of an equals sign":       {"LOCAL_DOMAIN: a.example", map[string]string{"LOCAL_DOMAIN": "a.example"}},
		"the last one counts":                     {"LOCAL_DOMAIN=a.example\nLOCAL_DOMAIN=b.example", map[string]string{"LOCAL_DOMAIN": "b.example"}},
		"a comment is none":                       {"#LOCAL_DOMAIN=a.example\n  # WEB_DOMAIN=b.example", map[string]string{}},
		"an empty one is none":                    {"WEB_DOMAIN=\nDB_HOST=''\nES_HOST= # later", map[string]string{}},
		"a reference to a name above":             {"LOCAL_DOMAIN=a.example\nWEB_DOMAIN=${LOCAL_DOMAIN}", map[string]string{"LOCAL_DOMAIN": "a.example", "WEB_DOMAIN": "a.example"}},
		"a command is never run":                  {"LOCAL_DOMAIN=$(hostname)\nDB_HOST=`id`\nES_HOST=\"x$y\"", map[string]string{}},
		"other names are not taken":               {"DB_PASS=x\nSECRET_KEY_BASE=y\nXLOCAL_DOMAIN=z\nlocal_domain=z", map[string]string{}},
		"a key over several lines hides none of those below": {
			"VAPID=\"-----BEGIN\nLOCAL=x\nabc\n-----END\"\nLOCAL_DOMAIN=a.example", map[string]string{"LOCAL_DOMAIN": "a.example"},
		},
		"a name inside a key is none": {
			"KEY='first\n LOCAL_DOMAIN evil\nlast'\nDB_NAME=m", map[string]string{"DB_NAME": "m"},
		},
		"a quote that never ends hides none of those below": {
			"OTP_SECRET=\"abc\nLOCAL_DOMAIN=a.example\nDB_NAME='m\nDB_PORT=5432", map[string]string{"LOCAL_DOMAIN": "a.example", "DB_PORT": "5432"},
		},
		"a line longer than any is skipped": {"SECRET=" + long + "\nLOCAL_DOMAIN=a.example\nOTHER=" + long, map[string]string{"LOCAL_DOMAIN": "a.example"}},
		"a password inside an address":      {"STREAMING_API_BASE_URL=wss://me:secret@a.example\nES_HOST=https://u:p@es", map[string]string{"STREAMING_API_BASE_URL": "wss://a.example"}},
		"control and right-to-left marks":   {"LOCAL_DOMAIN=a\x1b[2Jb\nWEB_DOMAIN=a\u202eb\nDB_HOST=\xff\xfe", map[string]string{}},
		"words behind a quote":              {`LOCAL_DOMAIN="a.example"evil`, map[string]string{}},
		"NUL bytes and no line at all":      {strings.Repeat("\x00", 100000), map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readEnv(strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzReadEnv(f *testing.F) {
	f.Add(envProduction)
	f.Add("LOCAL_DOMAIN=\"a\nWEB_DOMAIN='${LOCAL_DOMAIN}'")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readEnv(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range got {
			if v == "" && name != "UPDATE_CHECK_URL" || !speakable(v) {
				t.Errorf("%s=%q", name, v)
			}
		}
	})
}

func TestSettingsOfOtherFilesAreRead(t *testing.T) {
	for text, want := range map[string]string{
		"data_directory = '/a'\n":                    "/a",
		"#data_directory = '/a'\n":                   "",
		"Data_Directory '/a b''c' # x":               "/a b'c",
		"data_directory=/a#x\ndata_directory = '/b'": "/b",
		"hba_file = '/x'\n":                          "",
	} {
		if got := postgresSetting(text, "data_directory"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"dir /var/lib/redis\n": "/var/lib/redis", "# dir /x\n": "", "DIR \"/a b\"\r\n": "/a b", "dir ./\ndir /b": "/b", "logdir /x": "",
	} {
		if got := redisDir(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
