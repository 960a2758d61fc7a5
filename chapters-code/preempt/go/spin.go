// Two goroutines. One loops until the other has run, and says whether it saw that happen.
//
//	go run spin.go [LOOP [OTHER [ROUNDS]]]
//
// LOOP is what the loop calls in each round: nothing, leaf or frame. OTHER is what the other
// goroutine does when it runs: store, or collect, which collects the garbage first.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
)

// started is 1 when the loop has begun, ran when the other goroutine has run after that.
var started, ran int32

// ANCHOR: spin
// spin loops until the other goroutine has run, at most so many rounds, and calls nothing: the
// compiler makes one instruction of each atomic operation. It returns the rounds it took.
func spin(rounds int) (int, bool) {
	atomic.StoreInt32(&started, 1)
	for round := 0; round < rounds; round++ {
		if atomic.LoadInt32(&ran) == 1 {
			return round, true
		}
	}
	return rounds, false
}

// ANCHOR_END: spin

// spinCalling is spin with a call in each round.
func spinCalling(look func() int32, rounds int) (int, bool) {
	atomic.StoreInt32(&started, 1)
	for round := 0; round < rounds; round++ {
		if look() == 1 {
			return round, true
		}
	}
	return rounds, false
}

// leaf calls nothing and needs no stack: the toolchain leaves its stack check out.
//
//go:noinline
func leaf() int32 { return atomic.LoadInt32(&ran) }

// frame needs so much stack that it begins with a check.
//
//go:noinline
func frame() int32 {
	var buffer [256]int32
	at := atomic.LoadInt32(&started) & 255
	buffer[at] = atomic.LoadInt32(&ran)
	return buffer[at]
}

// other waits until the loop has begun, letting go of its P at each look, and says that it ran.
func other(collect bool) {
	for atomic.LoadInt32(&started) == 0 {
		runtime.Gosched()
	}
	if collect {
		runtime.GC()
	}
	atomic.StoreInt32(&ran, 1)
}

func main() {
	defaults := []string{"nothing", "store", "1000000000"}
	arguments := append(os.Args[1:], defaults[len(os.Args)-1:]...)
	rounds, err := strconv.Atoi(arguments[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "usage: spin [nothing|leaf|frame [store|collect [ROUNDS]]]")
		os.Exit(2)
	}

	go other(arguments[1] == "collect")
	var took int
	var saw bool
	switch arguments[0] {
	case "leaf":
		took, saw = spinCalling(leaf, rounds)
	case "frame":
		took, saw = spinCalling(frame, rounds)
	default:
		took, saw = spin(rounds)
	}

	version := runtime.Version()
	if saw {
		fmt.Printf("%s: the other goroutine ran during the loop, in round %d\n", version, took)
	} else {
		fmt.Printf("%s: the other goroutine did not run in %d rounds\n", version, took)
	}
}
