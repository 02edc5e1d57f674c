package history

import (
	"os"
	"testing"

	"github.com/sababan/sababan/checks/checkstest"
)

func TestMain(m *testing.M) {
	checkstest.OwnMounts()
	os.Exit(m.Run())
}
