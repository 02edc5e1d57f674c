//go:build !linux

package usage

import "context"

func walkTree(ctx context.Context, root string, p *plan) (*tree, error) {
	return walkPlain(ctx, root, p)
}
