package main
import ("fmt";"github.com/sababan/sababan/checks")
func main(){fmt.Println(checks.Size(1e9).En)}
