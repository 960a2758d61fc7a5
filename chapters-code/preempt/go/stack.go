// A local variable, where it lies before and after its goroutine's stack has grown, and what
// became of a pointer to it.
package main

import (
	"fmt"
	"unsafe"
)

// ANCHOR: moved
// moved says where a local lies before and after a deep call, and whether the pointer that was
// taken before still points to it.
func moved() (before, after uintptr, same bool) {
	local := 7
	pointer := &local
	before = uintptr(unsafe.Pointer(pointer))
	deeper(10_000)
	after = uintptr(unsafe.Pointer(&local))
	*pointer++
	return before, after, local == 8
}

// ANCHOR_END: moved

// deeper needs some hundred bytes of stack for each level.
//
//go:noinline
func deeper(levels int) byte {
	var buffer [100]byte
	buffer[levels%100] = 1
	if levels == 0 {
		return buffer[0]
	}
	return deeper(levels-1) + buffer[levels%100]
}

func main() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		before, after, same := moved()
		fmt.Printf("before the deep call  %#x\n", before)
		fmt.Printf("after the deep call   %#x\n", after)
		fmt.Printf("it has moved: %v; the pointer from before points to it: %v\n", before != after, same)
	}()
	<-done
}
