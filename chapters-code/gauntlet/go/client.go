// A client for the gauntlet: a goroutine for each connection, and Go's net.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

var stdout sync.Mutex

func main() {
	streams := number("STREAMS")
	deadline := time.Now().Add(time.Duration(number("PATIENCE_MS")) * time.Millisecond)
	ended := make(chan error)
	for n := 0; n < streams; n++ {
		go func(n int) { ended <- ask(n, deadline) }(n)
	}
	for n := 0; n < streams; n++ {
		if err := <-ended; err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func ask(n int, deadline time.Time) error {
	conn, err := net.Dial("tcp", os.Getenv("PEER"))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(deadline)
	fmt.Fprintf(conn, "GET /0/request-%d HTTP/1.1\r\nHost: peer\r\n\r\n", n)
	reply, err := final(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	stdout.Lock()
	defer stdout.Unlock()
	_, err = fmt.Printf("%d %d\n%s\n", n, len(body), body)
	return err
}

// The reply itself: interim ones before it, such as 103, are passed over.
func final(from *bufio.Reader) (*http.Response, error) {
	for {
		reply, err := http.ReadResponse(from, nil)
		switch {
		case err != nil:
			return nil, err
		case reply.StatusCode == 200:
			return reply, nil
		case reply.StatusCode/100 != 1 || reply.StatusCode == 101:
			return nil, fmt.Errorf("the server answered %s", reply.Status)
		}
	}
}

func number(name string) int {
	number, err := strconv.Atoi(os.Getenv(name))
	if err != nil {
		fmt.Fprintln(os.Stderr, name, err)
		os.Exit(2)
	}
	return number
}
