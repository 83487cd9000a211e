package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		part := strings.Split(lines.Text(), "\t")
		now, _ := strconv.ParseInt(part[1], 10, 64)
		header := http.Header{}
		for i, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
			header.Set(name, part[2+i])
		}
		body, _ := hex.DecodeString(part[5])
		good, err := Verify(part[0], header, body, time.Unix(now, 0))
		if err != nil {
			fmt.Println("error")
		} else {
			fmt.Println(good)
		}
	}
}
