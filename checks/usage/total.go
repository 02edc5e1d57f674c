package usage

import "context"

// A Sum is what du -sx says of a tree.
type Sum struct {
	Bytes, Entries int64
	// Unread is how many places could not be read: Bytes are the least it is.
	Unread int
}

// Total walks one tree as the check does.
func Total(ctx context.Context, path string) (Sum, error) {
	t, err := walkTree(ctx, path, nil)
	if err != nil {
		return Sum{}, err
	}
	return Sum{Bytes: t.Areas[0].Bytes, Entries: t.Entries, Unread: t.Areas[0].Unread}, nil
}
