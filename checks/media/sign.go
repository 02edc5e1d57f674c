package media

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sababan/sababan/checks"
)

// sign signs a request as Amazon's "Signature Version 4" for S3 wants it, which
// every S3-compatible storage understands. All headers that are there are signed.
func sign(req *http.Request, body []byte, region, key string, secret checks.Secret, now time.Time) {
	const form = "20060102T150405Z"
	at := now.UTC().Format(form)
	sum := hexSum(body)
	req.Header.Set("X-Amz-Date", at)
	req.Header.Set("X-Amz-Content-Sha256", sum)
	names := []string{"host"}
	values := map[string]string{"host": req.URL.Host}
	for name := range req.Header {
		low := strings.ToLower(name)
		names, values[low] = append(names, low), strings.Join(strings.Fields(req.Header.Get(name)), " ")
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		headers.WriteString(name + ":" + values[name] + "\n")
	}
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{
		req.Method, escapedPath(req.URL.Path), strings.ReplaceAll(req.URL.Query().Encode(), "+", "%20"), headers.String(), signed, sum,
	}, "\n")
	scope := at[:8] + "/" + region + "/s3/aws4_request"
	words := strings.Join([]string{"AWS4-HMAC-SHA256", at, scope, hexSum([]byte(canonical))}, "\n")
	k := []byte("AWS4" + secret.Reveal())
	for _, part := range []string{at[:8], region, "s3", "aws4_request", words} {
		k = mac(k, part)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/"+scope+", SignedHeaders="+signed+", Signature="+hex.EncodeToString(k))
}

func mac(key []byte, words string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(words)) // a hash never fails
	return h.Sum(nil)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// escapedPath leaves letters, digits, "-._~" and "/" as they are.
func escapedPath(path string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', digits[c>>4], digits[c&15]})
	}
	return b.String()
}
