// Goroutines that wait. Prints its process id and Go's version, then answers each order on stdin
// with the nanoseconds that it took: "add N" starts N more, "pass N" passes a token N times there
// and back between two. Ends with its stdin.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

var sink byte

// ANCHOR: goroutine
// What every goroutine of the crowd does.
func wait(arrived *sync.WaitGroup, word chan struct{}) {
	var kept [128]byte
	kept[len(word)] = 1
	arrived.Done()
	<-word
	sink += kept[len(word)]
}

// ANCHOR_END: goroutine

func add(count int, word chan struct{}) {
	var arrived sync.WaitGroup
	arrived.Add(count)
	for i := 0; i < count; i++ {
		go wait(&arrived, word)
	}
	arrived.Wait()
}

func pass(roundTrips int) {
	ping, pong := make(chan struct{}), make(chan struct{})
	go func() {
		for i := 0; i < roundTrips; i++ {
			<-ping
			pong <- struct{}{}
		}
	}()
	for i := 0; i < roundTrips; i++ {
		ping <- struct{}{}
		<-pong
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	fmt.Println(os.Getpid())
	fmt.Println(runtime.Version())
	word := make(chan struct{})
	var order string
	var count int
	for {
		if _, err := fmt.Scanln(&order, &count); err != nil {
			return
		}
		start := time.Now()
		switch order {
		case "add":
			add(count, word)
		case "pass":
			pass(count)
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
