//go:build !linux

package clock

import "errors"

// askKernel cannot tell here.
func askKernel() (kernel, error) {
	return kernel{}, errors.New("this system does not say whether its clock is kept")
}
