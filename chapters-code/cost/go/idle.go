// Goroutines that wait. Prints its process id and Go's version, then answers each order on stdin
// with the nanoseconds that it took: "add N" starts N more, "pass N" passes a token N times there
// and back between two, "byte N" a byte on a pair of sockets. Ends with its stdin.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
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

func byteThere(roundTrips int) {
	one, other := pair()
	defer one.Close()
	defer other.Close()
	go passByte(other, roundTrips)
	must(one.Write([]byte{1}))
	passByte(one, roundTrips)
}

func passByte(socket net.Conn, roundTrips int) {
	var buffer [64]byte
	for i := 0; i < roundTrips; i++ {
		n := must(socket.Read(buffer[:]))
		must(socket.Write(buffer[:n]))
	}
}

func pair() (net.Conn, net.Conn) {
	fds := must(syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0))
	return connection(fds[0]), connection(fds[1])
}

// Go's own view of a descriptor: net duplicates it, and the file closes the one that it was given.
func connection(fd int) net.Conn {
	file := os.NewFile(uintptr(fd), "pair")
	defer file.Close()
	return must(net.FileConn(file))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
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
		case "byte":
			byteThere(count)
		}
		fmt.Println(time.Since(start).Nanoseconds())
	}
}
